/* SPDX-License-Identifier: MIT */
/* The kernel's symbols: address to name and back. trace-cmd.dat.v7(5), KALLSYMS INFORMATION. */
#ifndef TRC_METADATA_KALLSYMS_H
#define TRC_METADATA_KALLSYMS_H

#include "base/problem.h"
#include "base/text.h"
#include "metadata/former_boot.h"

/* 16 bytes a symbol, as there are 200,000 of them; names and modules are found in the text. */
struct kallsym {
	uint64_t address;
	uint32_t name; /* offset in kallsyms.text */
	uint32_t name_size;
};

struct kallsyms {
	struct text text;
	struct kallsym *list; /* [count], sorted by address; of one address the last of the text first */
	size_t count;
	struct name_index *names;	/* for kallsyms_find_name(); owned */
	const struct former_boot *boot; /* NULL: addresses asked for are of the boot that these are of */
};

/* What a look-up gives. */
struct symbol {
	struct text name;
	struct text module; /* "[ext4]" without the brackets; empty of the kernel itself */
	uint64_t address;
};

/*
 * text must outlive *out. Its first more bytes are a text by itself, not of the file. A line that
 * cannot be read ends its text and is entered into problems.
 */
int kallsyms_parse(struct text text, size_t more, uint64_t file_offset, struct kallsyms *out,
		   struct problems *problems, struct trc_error *err);
void kallsyms_deinit(struct kallsyms *kallsyms);

/* Symbol number index of the list. */
void kallsyms_describe(const struct kallsyms *kallsyms, size_t index, struct symbol *out);

/*
 * The symbol an address belongs to: the last at or below it. How long a symbol is nobody knows, so
 * that the very last is found at its exact address only. Of several at one address that which
 * libtraceevent finds. An address of a former boot is looked for where its code lies now, and the
 * symbol has the address of now. false: none.
 */
bool kallsyms_find(const struct kallsyms *kallsyms, uint64_t address, struct symbol *out);

/* The same, by its number in the list. */
bool kallsyms_find_index(const struct kallsyms *kallsyms, uint64_t address, size_t *index);
struct text kallsyms_name(const struct kallsyms *kallsyms, size_t index);

/* From the symbol at this address to the next one behind it; 0: there is none. */
uint64_t kallsyms_size(const struct kallsyms *kallsyms, uint64_t address);

/*
 * A symbol by its exact name, of several that with the lowest address. For names in print fmts, which are
 * few: it goes through all symbols (a millisecond for a whole kernel), and sorts them (a tenth of a
 * second) only when it has been asked many times.
 */
bool kallsyms_find_name(const struct kallsyms *kallsyms, struct text name, struct symbol *out);

/*
 * Where the kernel's own code begins: its symbol _text, of several that come last in the text. false:
 * there is none.
 */
bool kallsyms_kernel_start(const struct kallsyms *kallsyms, uint64_t *address);

#endif
