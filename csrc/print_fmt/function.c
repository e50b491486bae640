/* SPDX-License-Identifier: MIT */
/* The functions that libtraceevent's plugins add to the language of print fmts. docs/FORMAT.md 6.5. */
#include "print_fmt/program.h"

/* --- jbd2, cfg80211, kvm ------------------------------------------------------------------ */

#define DEV_MINOR_BITS 20

static void print_device(uint64_t device, struct output *out)
{
	output_decimal(out, (uint32_t)device >> DEV_MINOR_BITS);
	output_char(out, ':');
	output_decimal(out, (uint32_t)device & ((1u << DEV_MINOR_BITS) - 1));
}

/* A page table entry may be written through if bit 1 is set. */
#define PTE_WRITABLE 2u

static uint64_t read_le16(const struct print_fmt *p, const struct print_record *r, uint32_t index)
{
	const struct expr *e;

	if (index == NO_EXPR)
		return 0;
	e = &p->exprs[index];
	if (e->code != EXPR_DYNAMIC)
		return 0;
	struct span bytes = read_dynamic(p, r, &e->field);

	return (uint32_t)(r->data + r->size - bytes.data) >= 2 ? load_u16(bytes.data, false) : 0;
}

/* --- xen --------------------------------------------------------------------------------- */

static const char *xen_hypercall(uint64_t number)
{
	static const char *const names[] = {
		"set_trap_table",
		"mmu_update",
		"set_gdt",
		"stack_switch",
		"set_callbacks",
		"fpu_taskswitch",
		"sched_op_compat",
		"dom0_op",
		"set_debugreg",
		"get_debugreg",
		"update_descriptor",
		NULL,
		"memory_op",
		"multicall",
		"update_va_mapping",
		"set_timer_op",
		"event_channel_op_compat",
		"xen_version",
		"console_io",
		"physdev_op_compat",
		"grant_table_op",
		"vm_assist",
		"update_va_mapping_otherdomain",
		"iret",
		"vcpu_op",
		"set_segment_base",
		"mmuext_op",
		"acm_op",
		"nmi_op",
		"sched_op",
		"callback_op",
		"xenoprof_op",
		"event_channel_op",
		"physdev_op",
		"hvm_op",
		[48] = "arch_0",
		"arch_1",
		"arch_2",
		"arch_3",
		"arch_4",
		"arch_5",
		"arch_6",
		"arch_7",
	};

	return number < countof(names) ? names[number] : NULL;
}

static void print_hypercall(uint64_t number, struct output *out)
{
	const char *name = xen_hypercall(number);

	if (!name)
		return;
	output_char(out, '(');
	output_bytes(out, name, strlen(name));
	output_char(out, ')');
}

/* --- dispatch ---------------------------------------------------------------------------- */

uint64_t function_eval(const struct print_fmt *p, const struct print_record *r, const struct expr *expr)
{
	switch ((enum print_fmt_function)expr->function) {
	case FUNCTION_JIFFIES_TO_MSECS:
		return expr_eval(p, r, expr->a);
	case FUNCTION_LE16_TO_CPUP:
		return read_le16(p, r, expr->a);
	case FUNCTION_IS_WRITABLE_PTE:
		return expr_eval(p, r, expr->a) & PTE_WRITABLE;
	case FUNCTION_FSWAB16:
	case FUNCTION_BSWAP16:
		return __builtin_bswap16((uint16_t)expr_eval(p, r, expr->a));
	case FUNCTION_FSWAB32:
	case FUNCTION_BSWAP32:
		return __builtin_bswap32((uint32_t)expr_eval(p, r, expr->a));
	case FUNCTION_FSWAB64:
	case FUNCTION_BSWAP64:
		return __builtin_bswap64(expr_eval(p, r, expr->a));
	default:
		return 0;
	}
}

void function_print(const struct print_fmt *p, const struct print_record *r, const struct expr *expr,
		    struct output *out)
{
	switch ((enum print_fmt_function)expr->function) {
	case FUNCTION_JBD2_DEV_TO_NAME:
		print_device(expr_eval(p, r, expr->a), out);
		break;
	case FUNCTION_JIFFIES_TO_MSECS:
		output_signed(out, (int64_t)expr_eval(p, r, expr->a));
		break;
	case FUNCTION_XEN_HYPERCALL_NAME:
		print_hypercall(expr_eval(p, r, expr->a), out);
		break;
	case FUNCTION_SCSI_TRACE_PARSE_CDB:
		scsi_print_cdb(p, r, expr, out);
		break;
	default:
		break;
	}
}
