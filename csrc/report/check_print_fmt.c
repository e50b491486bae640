/* SPDX-License-Identifier: MIT */
/* trace-cmd report --check-events. */
#include "base/error.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "print_fmt/print_fmt.h"
#include "report/api.h"

int trc_event_check_print_fmt(const struct trc_metadata *metadata, size_t event, uint32_t flags, int *failed,
			      struct trc_error *err)
{
	const struct print_fmt_env env = {
		.long_size = metadata->long_size,
		.big_endian = metadata->big_endian,
		.plugins = !(flags & (TRC_REPORT_NO_PLUGINS | TRC_REPORT_NO_SYSTEM_PLUGINS)),
		.kernel_text = flags & TRC_REPORT_KERNEL_TEXT,
	};
	struct print_fmt *program;
	int rc;

	if (event >= metadata->formats.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "event formats: there are %zu, not %zu",
				metadata->formats.count, event + 1);
	rc = print_fmt_compile(&metadata->formats.list[event], &env, &program, err);
	if (rc)
		return rc;
	*failed = print_fmt_failed(program);
	print_fmt_destroy(program);
	return TRC_OK;
}
