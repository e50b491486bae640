/* SPDX-License-Identifier: MIT */
/* SCSI commands in words, as libtraceevent's scsi plugin and the kernel's scsi_trace.c say them. */
#include "print_fmt/program.h"

enum {
	READ_6 = 0x08,
	WRITE_6 = 0x0a,
	READ_10 = 0x28,
	WRITE_10 = 0x2a,
	VERIFY_10 = 0x2f,
	WRITE_SAME_10 = 0x41,
	UNMAP = 0x42,
	VARIABLE_LENGTH = 0x7f,
	READ_16 = 0x88,
	WRITE_16 = 0x8a,
	VERIFY_16 = 0x8f,
	WRITE_SAME_16 = 0x93,
	SERVICE_ACTION_IN_16 = 0x9e,
	READ_12 = 0xa8,
	WRITE_12 = 0xaa,
	VERIFY_12 = 0xaf,
};

/* Service actions of VARIABLE_LENGTH and SERVICE_ACTION_IN_16. */
enum {
	READ_32 = 0x09,
	VERIFY_32 = 0x0a,
	WRITE_32 = 0x0b,
	WRITE_SAME_32 = 0x0d,
	READ_CAPACITY_16 = 0x10,
	GET_LBA_STATUS = 0x12,
};

#define LONGEST_CDB 32

static void put(struct output *out, const char *label, uint64_t value)
{
	output_bytes(out, label, strlen(label));
	output_decimal(out, value);
}

static void put_transfer(struct output *out, uint64_t lba, uint64_t length, unsigned protect)
{
	put(out, "lba=", lba);
	put(out, " txlen=", length);
	put(out, " protect=", protect >> 5);
}

static void print_6(const uint8_t *cdb, struct output *out)
{
	put(out, "lba=", (uint64_t)(cdb[1] & 0x1f) << 16 | load_u16(cdb + 2, true));
	put(out, " txlen=", cdb[4]);
}

static void print_32(const uint8_t *cdb, struct output *out)
{
	unsigned action = load_u16(cdb + 8, true);
	const char *name = action == READ_32	   ? "READ" :
			   action == VERIFY_32	   ? "VERIFY" :
			   action == WRITE_32	   ? "WRITE" :
			   action == WRITE_SAME_32 ? "WRITE_SAME" :
						     NULL;

	if (!name) {
		output_char(out, '-');
		return;
	}
	output_bytes(out, name, strlen(name));
	output_literal(out, "_32 ");
	put_transfer(out, load_u64(cdb + 12, true), load_u32(cdb + 28, true), cdb[10]);
	put(out, " ei_lbrt=", load_u32(cdb + 20, true));
	if (action == WRITE_SAME_32)
		put(out, " unmap=", cdb[10] >> 3 & 1);
}

static void print_service_action(const uint8_t *cdb, struct output *out)
{
	unsigned action = cdb[1] & 0x1f;

	if (action == READ_CAPACITY_16) {
		output_literal(out, "READ_CAPACITY_16");
	} else if (action == GET_LBA_STATUS) {
		output_literal(out, "GET_LBA_STATUS");
	} else {
		output_literal(out, "UNKNOWN");
		return;
	}
	put(out, " lba=", load_u64(cdb + 2, true));
	put(out, " alloc_len=", load_u32(cdb + 10, true));
}

static void print_command(const uint8_t *cdb, struct output *out)
{
	switch (cdb[0]) {
	case READ_6:
	case WRITE_6:
		print_6(cdb, out);
		break;
	case READ_10:
	case WRITE_10:
	case VERIFY_10:
	case WRITE_SAME_10:
		put_transfer(out, load_u32(cdb + 2, true), load_u16(cdb + 7, true), cdb[1]);
		break;
	case READ_12:
	case WRITE_12:
	case VERIFY_12:
		put_transfer(out, load_u32(cdb + 2, true), load_u32(cdb + 6, true), cdb[1]);
		break;
	case READ_16:
	case WRITE_16:
	case VERIFY_16:
	case WRITE_SAME_16:
		put_transfer(out, load_u64(cdb + 2, true), load_u32(cdb + 10, true), cdb[1]);
		break;
	case UNMAP:
		put(out, "regions=", (uint32_t)((load_u16(cdb + 7, true) - 8) / 16));
		break;
	case SERVICE_ACTION_IN_16:
		print_service_action(cdb, out);
		break;
	case VARIABLE_LENGTH:
		print_32(cdb, out);
		break;
	default:
		output_char(out, '-');
	}
	if (cdb[0] == WRITE_SAME_10 || cdb[0] == WRITE_SAME_16)
		put(out, " unmap=", cdb[1] >> 3 & 1);
}

/* Bytes that a short command lacks count as 0. */
void scsi_print_cdb(const struct print_fmt *p, const struct print_record *r, const struct expr *expr,
		    struct output *out)
{
	const struct expr *bytes = expr->b == NO_EXPR ? NULL : &p->exprs[expr->b];
	uint8_t cdb[LONGEST_CDB] = { 0 };
	struct span span;

	if (!bytes || bytes->code != EXPR_DYNAMIC)
		return;
	span = read_dynamic(p, r, &bytes->field);
	memcpy(cdb, span.data, span.size < LONGEST_CDB ? span.size : LONGEST_CDB);
	print_command(cdb, out);
}
