/* SPDX-License-Identifier: MIT */
#include "report/kvm_exit_reason.h"

const char *vmx_exit_reason(uint64_t reason)
{
	static const char *const names[] = {
		[0x00] = "EXCEPTION_NMI",
		[0x01] = "EXTERNAL_INTERRUPT",
		[0x02] = "TRIPLE_FAULT",
		[0x07] = "PENDING_INTERRUPT",
		[0x08] = "NMI_WINDOW",
		[0x09] = "TASK_SWITCH",
		[0x0a] = "CPUID",
		[0x0c] = "HLT",
		[0x0d] = "INVD",
		[0x0e] = "INVLPG",
		[0x0f] = "RDPMC",
		[0x10] = "RDTSC",
		[0x12] = "VMCALL",
		[0x13] = "VMCLEAR",
		[0x14] = "VMLAUNCH",
		[0x15] = "VMPTRLD",
		[0x16] = "VMPTRST",
		[0x17] = "VMREAD",
		[0x18] = "VMRESUME",
		[0x19] = "VMWRITE",
		[0x1a] = "VMOFF",
		[0x1b] = "VMON",
		[0x1c] = "CR_ACCESS",
		[0x1d] = "DR_ACCESS",
		[0x1e] = "IO_INSTRUCTION",
		[0x1f] = "MSR_READ",
		[0x20] = "MSR_WRITE",
		[0x24] = "MWAIT_INSTRUCTION",
		[0x27] = "MONITOR_INSTRUCTION",
		[0x28] = "PAUSE_INSTRUCTION",
		[0x29] = "MCE_DURING_VMENTRY",
		[0x2b] = "TPR_BELOW_THRESHOLD",
		[0x2c] = "APIC_ACCESS",
		[0x2d] = "EOI_INDUCED",
		[0x30] = "EPT_VIOLATION",
		[0x31] = "EPT_MISCONFIG",
		[0x32] = "INVEPT",
		[0x34] = "PREEMPTION_TIMER",
		[0x36] = "WBINVD",
		[0x37] = "XSETBV",
		[0x38] = "APIC_WRITE",
		[0x3a] = "INVPCID",
		[0x3e] = "PML_FULL",
		[0x3f] = "XSAVES",
		[0x40] = "XRSTORS",
	};

	return reason < countof(names) ? names[reason] : NULL;
}

const char *svm_exit_reason(uint64_t reason)
{
	static const char *const names[] = {
		[0x00] = "EXIT_READ_CR0",   [0x03] = "EXIT_READ_CR3",	   [0x04] = "EXIT_READ_CR4",
		[0x08] = "EXIT_READ_CR8",   [0x10] = "EXIT_WRITE_CR0",	   [0x13] = "EXIT_WRITE_CR3",
		[0x14] = "EXIT_WRITE_CR4",  [0x18] = "EXIT_WRITE_CR8",	   [0x20] = "EXIT_READ_DR0",
		[0x21] = "EXIT_READ_DR1",   [0x22] = "EXIT_READ_DR2",	   [0x23] = "EXIT_READ_DR3",
		[0x24] = "EXIT_READ_DR4",   [0x25] = "EXIT_READ_DR5",	   [0x26] = "EXIT_READ_DR6",
		[0x27] = "EXIT_READ_DR7",   [0x30] = "EXIT_WRITE_DR0",	   [0x31] = "EXIT_WRITE_DR1",
		[0x32] = "EXIT_WRITE_DR2",  [0x33] = "EXIT_WRITE_DR3",	   [0x34] = "EXIT_WRITE_DR4",
		[0x35] = "EXIT_WRITE_DR5",  [0x36] = "EXIT_WRITE_DR6",	   [0x37] = "EXIT_WRITE_DR7",
		[0x40] = "EXIT_EXCP_DE",    [0x41] = "EXIT_EXCP_DB",	   [0x43] = "EXIT_EXCP_BP",
		[0x44] = "EXIT_EXCP_OF",    [0x45] = "EXIT_EXCP_BR",	   [0x46] = "EXIT_EXCP_UD",
		[0x47] = "EXIT_EXCP_NM",    [0x48] = "EXIT_EXCP_DF",	   [0x4a] = "EXIT_EXCP_TS",
		[0x4b] = "EXIT_EXCP_NP",    [0x4c] = "EXIT_EXCP_SS",	   [0x4d] = "EXIT_EXCP_GP",
		[0x4e] = "EXIT_EXCP_PF",    [0x50] = "EXIT_EXCP_MF",	   [0x51] = "EXIT_EXCP_AC",
		[0x52] = "EXIT_EXCP_MC",    [0x53] = "EXIT_EXCP_XF",	   [0x60] = "EXIT_INTR",
		[0x61] = "EXIT_NMI",	    [0x62] = "EXIT_SMI",	   [0x63] = "EXIT_INIT",
		[0x64] = "EXIT_VINTR",	    [0x65] = "EXIT_CR0_SEL_WRITE", [0x66] = "EXIT_IDTR_READ",
		[0x67] = "EXIT_GDTR_READ",  [0x68] = "EXIT_LDTR_READ",	   [0x69] = "EXIT_TR_READ",
		[0x6a] = "EXIT_IDTR_WRITE", [0x6b] = "EXIT_GDTR_WRITE",	   [0x6c] = "EXIT_LDTR_WRITE",
		[0x6d] = "EXIT_TR_WRITE",   [0x6e] = "EXIT_RDTSC",	   [0x6f] = "EXIT_RDPMC",
		[0x70] = "EXIT_PUSHF",	    [0x71] = "EXIT_POPF",	   [0x72] = "EXIT_CPUID",
		[0x73] = "EXIT_RSM",	    [0x74] = "EXIT_IRET",	   [0x75] = "EXIT_SWINT",
		[0x76] = "EXIT_INVD",	    [0x77] = "EXIT_PAUSE",	   [0x78] = "EXIT_HLT",
		[0x79] = "EXIT_INVLPG",	    [0x7a] = "EXIT_INVLPGA",	   [0x7b] = "EXIT_IOIO",
		[0x7c] = "EXIT_MSR",	    [0x7d] = "EXIT_TASK_SWITCH",   [0x7e] = "EXIT_FERR_FREEZE",
		[0x7f] = "EXIT_SHUTDOWN",   [0x80] = "EXIT_VMRUN",	   [0x81] = "EXIT_VMMCALL",
		[0x82] = "EXIT_VMLOAD",	    [0x83] = "EXIT_VMSAVE",	   [0x84] = "EXIT_STGI",
		[0x85] = "EXIT_CLGI",	    [0x86] = "EXIT_SKINIT",	   [0x87] = "EXIT_RDTSCP",
		[0x88] = "EXIT_ICEBP",	    [0x89] = "EXIT_WBINVD",	   [0x8a] = "EXIT_MONITOR",
		[0x8b] = "EXIT_MWAIT",	    [0x8c] = "EXIT_MWAIT_COND",	   [0x8d] = "EXIT_XSETBV",
	};

	switch (reason) {
	case 0x400:
		return "EXIT_NPF";
	case 0x401:
		return "EXIT_AVIC_INCOMPLETE_IPI";
	case 0x402:
		return "EXIT_AVIC_UNACCELERATED_ACCESS";
	case UINT32_MAX:
	case UINT64_MAX:
		return "EXIT_ERR";
	default:
		return reason < countof(names) ? names[reason] : NULL;
	}
}
