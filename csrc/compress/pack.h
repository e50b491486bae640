/* SPDX-License-Identifier: MIT */
/* Plain bytes to zlib streams and zstd frames, one whole block at a time. */
#ifndef TRC_COMPRESS_PACK_H
#define TRC_COMPRESS_PACK_H

#include "compress/compress.h"

/* What the library wants to keep from one block to the next; one a thread. */
struct packer {
	enum compression algorithm;
	int level;
	void *state; /* made with the first block; owned */
};

/*
 * level 0: the library's own default. TRC_ARGUMENT: the library has no such level. Nothing is allocated
 * yet.
 */
int packer_init(struct packer *packer, enum compression algorithm, int level, struct trc_error *err);
void packer_deinit(struct packer *packer);

/* What size bytes take at most once they are packed. */
size_t packed_bound(enum compression algorithm, size_t size);

/* Packs size bytes at src to dst, which has room for packed_bound(); how many they became. */
int pack(struct packer *packer, const uint8_t *src, size_t size, uint8_t *dst, size_t *stored,
	 struct trc_error *err);

/* The version that a file's header names for its algorithm: "" for none. */
const char *compression_version(enum compression algorithm);
const char *compression_name(enum compression algorithm);

#endif
