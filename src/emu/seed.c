/* emu/seed.c - content for a new, empty workspace. */
#include "config.h"

#include "emu/seed.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/workspace.h"

#include "base/banned.h"

#define BINARY_BYTES ((size_t)3 << 20)
#define BINARY_NAME  "/FileStore/samples/random.bin"

static const struct {
	const char *path;
	const char *text; /* NULL: a directory */
} things[] = {
	{ "/README.md",
	    "# A sample workspace\n\n"
	    "brickfs-emulator made this content because its directory was "
	    "empty.\nWhat is here is plain files: look below the directory "
	    "given by --root,\nchange them, and the API shows the changes.\n\n"
	    "FileStore/samples/random.bin is checked by "
	    "FileStore/samples/SHA256SUMS.\n" },
	{ "/FileStore/tables/people.csv",
	    "id,name,city\n1,Ada,London\n2,Grace,New York\n3,Edsger,Rotterdam\n"
	    "4,Barbara,Boston\n5,Kurt,Br\xc3\xbcnn\n" },
	{ "/FileStore/tables/empty.csv", "" },
	{ "/projects/demo/README.txt", "A tree to walk through.\n" },
	{ "/projects/demo/src/main.py", "print(\"hello\")\n" },
	{ "/projects/demo/src/lib/numbers.py",
	    "def twice(n):\n    return 2 * n\n" },
	{ "/projects/demo/data/2026/01/events.json",
	    "{\"event\":\"start\",\"n\":1}\n{\"event\":\"stop\",\"n\":2}\n" },
	{ "/projects/demo/data/2026/02/events.json",
	    "{\"event\":\"start\"}\n" },
	{ "/projects/demo/notes/with blanks & signs #1 (100%).txt",
	    "A name that has to be encoded.\n" },
	{ "/tmp", NULL },
};

/* The same bytes on every machine: xorshift64 (Marsaglia). */
static void
fill(unsigned char *dst, size_t len)
{
	uint64_t x = UINT64_C(88172645463325252);

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		dst[i] = (unsigned char)(x >> 32);
	}
}

static int
put_binary(struct store *s)
{
	char sha256[DIGEST_SHA256_HEX], *sums;
	unsigned char *data = malloc(BINARY_BYTES);
	int ret;

	if (data == NULL)
		return -ENOMEM;
	fill(data, BINARY_BYTES);
	digest_sha256(data, BINARY_BYTES, sha256);
	ret =
	    store_put(s, BINARY_NAME, data, BINARY_BYTES, HISTORY_ADMIN, NULL);
	free(data);
	sums = text_printf("%s  random.bin\n", sha256);
	if (ret == 0 && sums != NULL)
		ret = store_put(s, "/FileStore/samples/SHA256SUMS", sums,
		    strlen(sums), HISTORY_ADMIN, NULL);
	free(sums);
	return ret;
}

int
seed_dbfs(struct store *s)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(things); i++) {
		if (things[i].text == NULL)
			ret = store_mkdirs(s, things[i].path, NULL);
		else
			ret = store_put(s, things[i].path, things[i].text,
			    strlen(things[i].text), HISTORY_ADMIN, NULL);
	}
	return ret < 0 ? ret : put_binary(s);
}

#define HOME "/Users/" EMU_USER

static const struct {
	const char *path;
	struct workspace_thing thing;
	const char *text;
} objects[] = {
	{ HOME "/README.md", { "FILE", NULL, NULL, 0 },
	    "# A sample workspace\n\nNotebooks have no extension here, files "
	    "have their own.\n" },
	{ HOME "/demo/first steps", { "NOTEBOOK", "PYTHON", "SOURCE", 0 },
	    "# Databricks notebook source\n"
	    "# MAGIC %md\n# MAGIC ## First steps\n\n"
	    "# COMMAND ----------\n\n"
	    "# DBTITLE 1,Numbers\n"
	    "total = sum(range(10))\nprint(total)\n\n"
	    "# COMMAND ----------\n\n"
	    "# MAGIC %sql\n# MAGIC SELECT 1 AS one" },
	{ HOME "/demo/people", { "NOTEBOOK", "SQL", "SOURCE", 0 },
	    "-- Databricks notebook source\n"
	    "SELECT city, count(*) FROM people GROUP BY city" },
	{ HOME "/demo/stream", { "NOTEBOOK", "SCALA", "SOURCE", 0 },
	    "// Databricks notebook source\nval one = 1\nprintln(one + 1)" },
	{ HOME "/demo/plot", { "NOTEBOOK", "R", "SOURCE", 0 },
	    "# Databricks notebook source\nplot(c(1, 4, 9))" },
	{ HOME "/demo/explore", { "NOTEBOOK", "PYTHON", "JUPYTER", 0 },
	    "{\n \"cells\": [\n  {\n   \"cell_type\": \"code\",\n"
	    "   \"execution_count\": null,\n   \"metadata\": {},\n"
	    "   \"outputs\": [],\n   \"source\": [\"print(1)\"]\n  }\n ],\n"
	    " \"metadata\": {\"language_info\": {\"name\": \"python\"}},\n"
	    " \"nbformat\": 4,\n \"nbformat_minor\": 0\n}\n" },
	{ HOME "/demo/lib/numbers.py", { "FILE", NULL, NULL, 0 },
	    "def twice(n):\n    return 2 * n\n" },
	{ HOME "/demo/requirements.txt", { "FILE", NULL, NULL, 0 }, "requests\n" },
	{ "/Shared/queries/today", { "NOTEBOOK", "SQL", "SOURCE", 0 },
	    "-- Databricks notebook source\nSELECT current_date()" },
};

int
seed_workspace(struct emu *emu)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(objects); i++)
		ret = workspace_put(emu, objects[i].path, objects[i].text,
		    strlen(objects[i].text), &objects[i].thing, NULL);
	return ret;
}
