/* SPDX-License-Identifier: MIT */
/* Virtual machines: why a guest was left, and where it was. docs/FORMAT.md 6.5. */
#include "report/event_handler.h"
#include "report/kvm_exit_reason.h"

/* --- shared ------------------------------------------------------------------------------ */

static void put(struct event_run *run, const char *text)
{
	output_bytes(run->out, text, strlen(text));
}

/* The guest's function at rip, if the guest's file is read along. */
static void put_guest_function(struct event_run *run, uint64_t rip)
{
	int32_t pid = run_pid(run, run->record);

	for (uint32_t i = 0; i < run->guest_count; i++) {
		const struct cached_symbol *symbol;

		if (run->guests[i].pid != pid)
			continue;
		symbol = symbol_cache_find(run->guests[i].symbols, rip);
		if (!symbol)
			return;
		output_char(run->out, ' ');
		output_text(run->out, symbol->name);
		if (rip != symbol->address) {
			put(run, "+0x");
			output_hex(run->out, rip - symbol->address);
		}
		return;
	}
}

#define ISA_VMX 1
#define ISA_SVM 2

static void put_reason(struct event_run *run, unsigned reason, unsigned isa_field)
{
	uint64_t isa = run->event->found[isa_field] ? run_number(run, isa_field) : ISA_VMX;
	uint64_t value = run_number(run, reason);
	const char *name = isa == ISA_VMX ? vmx_exit_reason(value) :
			   isa == ISA_SVM ? svm_exit_reason(value) :
					    "UNKNOWN-ISA";

	put(run, "reason ");
	if (name) {
		put(run, name);
	} else {
		put(run, "UNKNOWN (");
		output_decimal(run->out, value);
		output_char(run->out, ')');
	}
}

static void put_hex(struct event_run *run, const char *label, unsigned field)
{
	put(run, label);
	output_hex(run->out, run_number(run, field));
}

/* --- entry and exit ---------------------------------------------------------------------- */

enum { EXIT_REASON, EXIT_ISA, EXIT_RIP, EXIT_INFO1, EXIT_INFO2 };

static bool run_exit(struct event_run *run)
{
	if (!run->event->found[EXIT_REASON]) {
		run_missing(run, EXIT_REASON);
		return false;
	}
	put_reason(run, EXIT_REASON, EXIT_ISA);
	if (!run->event->found[EXIT_RIP]) {
		run_missing(run, EXIT_RIP);
		return false;
	}
	put_hex(run, " rip 0x", EXIT_RIP);
	put_guest_function(run, run_number(run, EXIT_RIP));
	if (run->event->found[EXIT_INFO1] && run->event->found[EXIT_INFO2]) {
		put_hex(run, " info ", EXIT_INFO1);
		put_hex(run, " ", EXIT_INFO2);
	}
	return true;
}

enum { ENTRY_VCPU, ENTRY_RIP };

static bool run_entry(struct event_run *run)
{
	if (run->event->found[ENTRY_VCPU]) {
		put(run, " vcpu ");
		output_decimal(run->out, (uint32_t)run_number(run, ENTRY_VCPU));
	} else {
		run_missing_number(run, ENTRY_VCPU);
	}
	if (!run->event->found[ENTRY_RIP]) {
		run_missing(run, ENTRY_RIP);
		return false;
	}
	put_hex(run, " rip 0x", ENTRY_RIP);
	put_guest_function(run, run_number(run, ENTRY_RIP));
	return true;
}

/* --- emulation and nesting ---------------------------------------------------------------- */

enum { INSN_RIP, INSN_CSBASE, INSN_LENGTH, INSN_FLAGS, INSN_BYTES, INSN_FAILED };

#define LONGEST_INSN 15

static bool run_emulate(struct event_run *run)
{
	struct span bytes = read_static(&run->print, &run->event->fields[INSN_BYTES]);
	uint64_t length = run_number(run, INSN_LENGTH);

	for (unsigned i = INSN_RIP; i <= INSN_FAILED; i++) {
		if (!run->event->found[i]) {
			run_missing(run, i);
			return false;
		}
	}
	if (bytes.size > LONGEST_INSN)
		bytes.size = LONGEST_INSN;
	if (length < bytes.size)
		bytes.size = (uint32_t)length;
	output_hex(run->out, run_number(run, INSN_CSBASE));
	put_hex(run, ":", INSN_RIP);
	put_guest_function(run, run_number(run, INSN_RIP));
	put(run, ": ");
	output_hex_bytes(run->out, bytes, " ");
	if (run_number(run, INSN_FAILED))
		put(run, " FAIL");
	return true;
}

enum { NESTED_CODE, NESTED_ISA, NESTED_INFO1, NESTED_INFO2, NESTED_INT, NESTED_ERROR, NESTED_RIP };

static bool run_nested_inject(struct event_run *run)
{
	static const char *const labels[] = {
		[NESTED_INFO1] = " info1 ",
		[NESTED_INFO2] = " info2 ",
		[NESTED_INT] = " int_info ",
		[NESTED_ERROR] = " int_info_err ",
	};

	if (!run->event->found[NESTED_CODE]) {
		run_missing(run, NESTED_CODE);
		return false;
	}
	put_reason(run, NESTED_CODE, NESTED_ISA);
	for (unsigned i = NESTED_INFO1; i <= NESTED_ERROR; i++)
		if (run->event->found[i])
			put_hex(run, labels[i], i);
		else
			run_missing_number(run, i);
	return true;
}

static bool run_nested(struct event_run *run)
{
	if (!run->event->found[NESTED_RIP]) {
		run_missing(run, NESTED_RIP);
		return false;
	}
	put_hex(run, " rip ", NESTED_RIP);
	put_guest_function(run, run_number(run, NESTED_RIP));
	return run_nested_inject(run);
}

/* --- shadow pages ------------------------------------------------------------------------ */

enum { PAGE_ROLE, PAGE_ROOT, PAGE_UNSYNC, PAGE_CREATED, PAGE_GFN };

/* The bits of union kvm_mmu_page_role as the plugin knows them. */
static void put_role(struct event_run *run, uint32_t role)
{
	static const char access[8][4] = { "---", "--x", "w--", "w-x", "-u-", "-ux", "wu-", "wux" };

	output_decimal(run->out, role & 15);
	put(run, " q");
	output_decimal(run->out, role >> 5 & 3);
	put(run, role >> 7 & 1 ? " direct " : " ");
	put(run, access[role >> 8 & 7]);
	put(run, role >> 11 & 1 ? " invalid " : " ");
	put(run, role >> 4 & 1 ? "pae " : "!pae ");
	put(run, role >> 12 & 1 ? "nxe " : "!nxe ");
	put(run, role >> 13 & 1 ? "wp" : "!wp");
	if (role >> 14 & 1)
		put(run, " smep");
	if (role >> 15 & 1)
		put(run, " smap");
	if (role >> 24)
		put(run, " smm");
}

static bool run_page(struct event_run *run)
{
	uint32_t role = (uint32_t)run_number(run, PAGE_ROLE);

	if (!run->event->found[PAGE_ROLE]) {
		run_missing(run, PAGE_ROLE);
		return false;
	}
	if (run->env->big_endian) {
		struct number_format format = { .letter = 'x', .zero = true, .width = 8 };

		put(run, "WORD: ");
		output_number(run->out, &format, role);
	} else {
		put_role(run, role);
	}
	if (run->event->found[PAGE_ROOT]) {
		put(run, " root ");
		output_decimal(run->out, (uint32_t)run_number(run, PAGE_ROOT));
		put(run, " ");
	} else {
		run_missing_number(run, PAGE_ROOT);
	}
	if (!run->event->found[PAGE_UNSYNC]) {
		run_missing(run, PAGE_UNSYNC);
		return false;
	}
	put(run, run_number(run, PAGE_UNSYNC) ? "unsync" : "sync");
	run->out->has_nul = true;
	output_char(run->out, '\0'); /* the plugin's, too: it ends the line */
	return true;
}

static bool run_get_page(struct event_run *run)
{
	if (!run->event->found[PAGE_CREATED]) {
		run_missing(run, PAGE_CREATED);
		return false;
	}
	put(run, run_number(run, PAGE_CREATED) ? "new " : "existing ");
	if (!run->event->found[PAGE_GFN]) {
		run_missing(run, PAGE_GFN);
		return false;
	}
	put_hex(run, "sp gfn ", PAGE_GFN);
	put(run, " ");
	return run_page(run);
}

#define NESTED_FIELDS \
	{ "exit_code", "isa", "exit_info1", "exit_info2", "exit_int_info", "exit_int_info_err", "rip" }
#define PAGE_FIELDS { "role", "root_count", "unsync", "created", "gfn" }
#define PAGE_EVENT(event_name, handler) \
	{ .system = "kvmmmu", .name = event_name, .run = handler, .fields = PAGE_FIELDS }

const struct event_handler kvm_handlers[] = {
	{ .system = "kvm",
	  .name = "kvm_exit",
	  .run = run_exit,
	  .fields = { "exit_reason", "isa", "guest_rip", "info1", "info2" } },
	{ .system = "kvm", .name = "kvm_entry", .run = run_entry, .fields = { "vcpu_id", "rip" } },
	{ .system = "kvm",
	  .name = "kvm_emulate_insn",
	  .run = run_emulate,
	  .fields = { "rip", "csbase", "len", "flags", "insn", "failed" } },
	{ .system = "kvm", .name = "kvm_nested_vmexit", .run = run_nested, .fields = NESTED_FIELDS },
	{ .system = "kvm",
	  .name = "kvm_nested_vmexit_inject",
	  .run = run_nested_inject,
	  .fields = NESTED_FIELDS },
	PAGE_EVENT("kvm_mmu_get_page", run_get_page),
	PAGE_EVENT("kvm_mmu_sync_page", run_page),
	PAGE_EVENT("kvm_mmu_unsync_page", run_page),
	PAGE_EVENT("kvm_mmu_zap_page", run_page),
	PAGE_EVENT("kvm_mmu_prepare_zap_page", run_page),
	{ 0 },
};
