/* SPDX-License-Identifier: MIT */
#include "metadata/kallsyms.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/digits.h"
#include "base/error.h"
#include "metadata/scanner.h"

#define SYMBOLS_MAX (1u << 23) /* a whole kernel with its modules has 200,000 */
#define FIRST_LOOKUPS 64       /* by name; what so many take together is less than what sorting does */

struct named {
	struct text name;
	size_t index; /* in the list */
};

/* The one thing that changes in a table that threads share: of those who sort, the first one stores. */
struct name_index {
	atomic_size_t lookups;
	_Atomic(struct named *) sorted; /* by name, then place in the list; NULL: not yet */
};

/* Up to the next blank or control character; of names in C and Rust none has such. */
static struct text cut_word(struct text *rest)
{
	struct text word = { rest->start, 0 };

	while (word.size < rest->size && (unsigned char)rest->start[word.size] > ' ')
		word.size++;
	*rest = text_skip(*rest, word.size);
	return word;
}

/* "ADDRESS TYPE NAME", then perhaps "\t[MODULE]". Symbols that are not a place in memory have *name empty. */
static bool parse_line(struct text line, uint64_t *address, struct text *name)
{
	size_t used;
	char type;

	if (!text_hex(line, address, &used))
		return false;
	line = text_skip_blanks(text_skip(line, used));
	if (!line.size)
		return false;
	type = *line.start;
	line = text_skip_blanks(text_skip(line, 1));
	*name = cut_word(&line);
	if (!name->size)
		return false;
	/* 'a': a number, no address. '$' begins the marks ARM compilers set between code and data. */
	if (type == 'a' || type == 'A' || *name->start == '$')
		name->size = 0;
	return true;
}

/* A line of "0 T x" has 6 characters: what the text has is enough to bound the list by. */
static int add(struct kallsyms *k, size_t *room, uint64_t address, struct text name, struct trc_error *err)
{
	if (k->count == *room) {
		/* Lines of a real one take 40 bytes, so that one allocation will most often do. */
		struct kallsym *larger = array_grow(k->list, room, k->text.size / 40 + 64, sizeof(*larger));

		if (!larger)
			return trc_fail_no_memory(err);
		k->list = larger;
	}
	k->list[k->count++] = (struct kallsym){
		.address = address,
		.name = (uint32_t)(name.start - k->text.start),
		.name_size = (uint32_t)name.size,
	};
	return TRC_OK;
}

static int compare(const void *a, const void *b)
{
	const struct kallsym *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->name < y->name) - (x->name > y->name);
}

/*
 * By address; of one address the last of the text first, as libtraceevent has it. The kernel's own
 * symbols come sorted, those of modules and of BPF programs after them do not.
 */
static void sort(struct kallsyms *k)
{
	size_t i = 1;

	while (i < k->count && compare(&k->list[i - 1], &k->list[i]) < 0)
		i++;
	if (i < k->count)
		qsort(k->list, k->count, sizeof(*k->list), compare);
}

static void remember(struct problems *problems, uint64_t file_offset, const char *what, size_t line)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, file_offset, "kallsyms: %s in line %zu, symbols end there", what, line);
	problems_add(problems, &fault);
}

/* The lines of part, which is a piece of k->text. */
static int add_lines(struct kallsyms *k, size_t *room, struct text part, uint64_t file_offset,
		     struct problems *problems, struct trc_error *err)
{
	struct text rest = part, line;
	size_t number = 0;
	int rc = TRC_OK;

	while (!rc && text_line(&rest, &line)) {
		struct text name;
		uint64_t address;

		number++;
		line = text_skip_blanks(line);
		if (!line.size || *line.start == '\r')
			continue;
		if (!parse_line(line, &address, &name)) {
			remember(problems, file_offset, "no \"ADDRESS TYPE NAME\"", number);
			break;
		}
		if (!name.size)
			continue;
		if (k->count == SYMBOLS_MAX) {
			remember(problems, file_offset, "more than any kernel has", number);
			break;
		}
		rc = add(k, room, address, name, err);
	}
	return rc;
}

int kallsyms_parse(struct text text, size_t more, uint64_t file_offset, struct kallsyms *out,
		   struct problems *problems, struct trc_error *err)
{
	struct kallsyms k = { .text = text };
	size_t room = 0;
	int rc;

	if (text.size > UINT32_MAX)
		return trc_fail(err, TRC_LIMIT, file_offset, "kallsyms: %zu bytes", text.size);
	rc = add_lines(&k, &room, (struct text){ text.start, more }, TRC_NO_OFFSET, problems, err);
	if (!rc)
		rc = add_lines(&k, &room, text_skip(text, more), file_offset, problems, err);
	if (!rc && !(k.names = calloc(1, sizeof(*k.names))))
		rc = trc_fail_no_memory(err);
	if (rc) {
		kallsyms_deinit(&k);
		return rc;
	}
	sort(&k);
	*out = k;
	return TRC_OK;
}

void kallsyms_deinit(struct kallsyms *kallsyms)
{
	if (kallsyms->names)
		free(atomic_load(&kallsyms->names->sorted));
	free(kallsyms->names);
	free(kallsyms->list);
	*kallsyms = (struct kallsyms){ 0 };
}

void kallsyms_describe(const struct kallsyms *k, size_t index, struct symbol *out)
{
	const struct kallsym *symbol = &k->list[index];
	const char *end = k->text.start + k->text.size;
	const char *close, *p = k->text.start + symbol->name + symbol->name_size;
	struct text module = TEXT("");

	if (end - p > 2 && p[0] == '\t' && p[1] == '[') {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		p += 2;
		close = memchr(p, ']', (size_t)((newline ? newline : end) - p));
		if (close)
			module = (struct text){ p, (size_t)(close - p) };
	}
	*out = (struct symbol){
		.name = { k->text.start + symbol->name, symbol->name_size },
		.module = module,
		.address = symbol->address,
	};
}

struct text kallsyms_name(const struct kallsyms *k, size_t index)
{
	return (struct text){ k->text.start + k->list[index].name, k->list[index].name_size };
}

bool kallsyms_find_index(const struct kallsyms *k, uint64_t address, size_t *index)
{
	size_t low = 0, high = k->count;

	if (k->boot)
		address += former_boot_shift(k->boot, address);
	/*
	 * Which of several symbols at exactly one address is found depends on where the bisection
	 * comes across them; to name the same as libtraceevent, it has to take the same steps.
	 */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct kallsym *symbol = &k->list[middle];

		if (address < symbol->address) {
			high = middle;
		} else if (address == symbol->address ||
			   (middle + 1 < k->count && address < symbol[1].address)) {
			*index = middle;
			return true;
		} else {
			low = middle + 1;
		}
	}
	return false;
}

bool kallsyms_find(const struct kallsyms *k, uint64_t address, struct symbol *out)
{
	size_t index;

	if (!kallsyms_find_index(k, address, &index))
		return false;
	kallsyms_describe(k, index, out);
	return true;
}

uint64_t kallsyms_size(const struct kallsyms *k, uint64_t address)
{
	size_t low = 0, high = k->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->list[middle].address > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low < k->count ? k->list[low].address - address : 0;
}

/* --- by name ---------------------------------------------------------------------------------- */

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = text_compare(x->name, y->name);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* NULL: there is no memory for it. */
static const struct named *sorted_names(const struct kallsyms *k)
{
	struct named *sorted = atomic_load_explicit(&k->names->sorted, memory_order_acquire), *none = NULL;

	if (sorted)
		return sorted;
	sorted = calloc(k->count, sizeof(*sorted));
	if (!sorted)
		return NULL;
	for (size_t i = 0; i < k->count; i++)
		sorted[i] = (struct named){ { k->text.start + k->list[i].name, k->list[i].name_size }, i };
	qsort(sorted, k->count, sizeof(*sorted), compare_named);
	if (atomic_compare_exchange_strong(&k->names->sorted, &none, sorted))
		return sorted;
	free(sorted);
	return none;
}

static size_t find_in_list(const struct kallsyms *k, struct text name)
{
	size_t i = 0;

	while (i < k->count && (k->list[i].name_size != name.size ||
				memcmp(k->text.start + k->list[i].name, name.start, name.size)))
		i++;
	return i;
}

static size_t find_in_names(const struct kallsyms *k, const struct named *sorted, struct text name)
{
	size_t low = 0, high = k->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_compare(sorted[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->count && text_equal(sorted[low].name, name) ? sorted[low].index : k->count;
}

bool kallsyms_find_name(const struct kallsyms *k, struct text name, struct symbol *out)
{
	const struct named *sorted = NULL;
	size_t index;

	if (!k->count)
		return false;
	if (atomic_fetch_add_explicit(&k->names->lookups, 1, memory_order_relaxed) >= FIRST_LOOKUPS)
		sorted = sorted_names(k);
	index = sorted ? find_in_names(k, sorted, name) : find_in_list(k, name);
	if (index == k->count)
		return false;
	kallsyms_describe(k, index, out);
	return true;
}

bool kallsyms_kernel_start(const struct kallsyms *k, uint64_t *address)
{
	static const struct text start = { "_text", 5 };
	uint32_t last = 0;
	bool found = false;

	for (size_t i = 0; i < k->count; i++) {
		struct symbol symbol;

		if (k->list[i].name_size != start.size ||
		    memcmp(k->text.start + k->list[i].name, start.start, start.size))
			continue;
		kallsyms_describe(k, i, &symbol);
		if (symbol.module.size || (found && k->list[i].name < last))
			continue;
		found = true;
		last = k->list[i].name;
		*address = symbol.address;
	}
	return found;
}
