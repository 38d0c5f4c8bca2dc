/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_HPACK_H
#define IDENTIFY_HPACK_H

#include <stddef.h>
#include <stdint.h>

/* Bits of a path in the static Huffman code of HTTP/2 and HTTP/3 headers (RFC 7541,
 * appendix B), blanks and octets that do not print being percent-encoded before. */
uint32_t hpack_path_bits(const char *path, size_t n);

#endif
