/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel and its modules lay in the boot whose records are read, if that was not the one
 * that recorded the symbols: a buffer in reserved memory outlives a crash. The options
 * LAST_BOOT_INFO and MODULES_FILE of trace-cmd 3.4; docs/FORMAT.md 2.7.
 */
#ifndef TRC_METADATA_FORMER_BOOT_H
#define TRC_METADATA_FORMER_BOOT_H

#include "base/problem.h"
#include "base/text.h"

struct boot_part {
	uint64_t address;
	struct text name; /* of a module; "[kernel]" */
};

struct former_boot {
	struct boot_part *parts; /* [count]: of that boot, by address */
	size_t count;
	struct boot_part *modules; /* [module_count], by name; addresses are how far each has moved since */
	size_t module_count;
	uint64_t kernel;       /* how far the kernel has */
	uint64_t first_module; /* from there on modules lay; 0: not known */
};

/*
 * boot: an instance's name, ":", and its last_boot_info, lines of "ADDRESS NAME". A boot that was no
 * other ("# Current") changes nothing. modules: /proc/modules of the boot that recorded the symbols,
 * may be empty. Both must outlive *out. A line that cannot be read makes its text void, as
 * libtraceevent has it, and is entered into problems.
 */
int former_boot_parse(struct former_boot *out, struct text boot, uint64_t boot_offset,
		      struct problems *problems, struct trc_error *err);
int former_boot_add_modules(struct former_boot *boot, struct text modules, uint64_t offset,
			    struct problems *problems, struct trc_error *err);
/* text: where the symbols have the kernel's begin, _text. */
void former_boot_set_kernel(struct former_boot *boot, uint64_t text);
void former_boot_deinit(struct former_boot *boot);

/* What to add to an address of that boot to have that of today; 0 as well where it is not known. */
uint64_t former_boot_shift(const struct former_boot *boot, uint64_t address);

#endif
