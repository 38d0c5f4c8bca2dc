/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_SCRIPT_H
#define LAB_SCRIPT_H

/* Texts in the program, made by the build: lab/classify.py, and data/article.tsv. */
extern const char lab_classify[];
extern const char facts_article[];

#endif
