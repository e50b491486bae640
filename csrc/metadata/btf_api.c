/* SPDX-License-Identifier: MIT */
/* Public questions about the kernel's types. */
#include "base/error.h"
#include "metadata/api.h"
#include "metadata/metadata.h"

size_t trc_btf_type_count(const struct trc_symbols *symbols)
{
	return symbols->btf.count;
}

int trc_btf_type(const struct trc_symbols *symbols, uint32_t type, struct trc_btf_type *out,
		 struct trc_error *err)
{
	if (!btf_type(&symbols->btf, type, out))
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "BTF: there are %u types, no number %u",
				symbols->btf.count, type);
	return TRC_OK;
}

int trc_btf_prototype(const struct trc_symbols *symbols, const char *function, size_t size,
		      struct trc_btf_type *out, struct trc_error *err)
{
	enum btf_found found = size ? btf_function(&symbols->btf, (struct text){ function, size }, out) :
				      BTF_NO_FUNCTION;

	if (found == BTF_NO_MEMORY)
		return trc_fail_no_memory(err);
	if (found != BTF_FOUND)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "BTF: no prototype of a function %.*s",
				(int)(size < 128 ? size : 128), size ? function : "");
	return TRC_OK;
}

int trc_btf_parameter(const struct trc_symbols *symbols, const struct trc_btf_type *prototype, uint32_t index,
		      const char **name, size_t *size, uint32_t *type, struct trc_error *err)
{
	struct text text;

	if (!btf_parameter(&symbols->btf, prototype, index, &text, type))
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "BTF: %u parameters, no number %u",
				prototype->count, index);
	*name = text.start;
	*size = text.size;
	return TRC_OK;
}
