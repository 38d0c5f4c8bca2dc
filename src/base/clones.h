/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_CLONES_H
#define BASE_CLONES_H

/*
 * Loops over columns that vectors of 32 octets make several times as fast: the compiler
 * makes such a function twice, for any x86-64 and for those with AVX2, and the loader
 * takes the one for this processor. In builds with sanitizers there is one, for what
 * chooses runs before they are ready.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                 \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

#endif
