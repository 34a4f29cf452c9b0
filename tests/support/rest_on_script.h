/* tests/support/rest_on_script.h: a REST client of a server that follows a script. */
#ifndef TESTS_SUPPORT_REST_ON_SCRIPT_H
#define TESTS_SUPPORT_REST_ON_SCRIPT_H

#include "base/call.h"
#include "net/http.h"
#include "rest/auth.h"
#include "rest/errors.h"
#include "rest/rest.h"
#include "rest/transfers.h"
#include "tests/support/script_server.h"

/* An answer with that status line and JSON body. */
#define ANSWER(status, headers, body) \
	{ .send = "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" \
	    headers "Connection: close\r\n\r\n" body, .end = SCRIPT_CLOSE }
#define OK_JSON(body) ANSWER("200 OK", "", body)

/* A dead connection: the request was taken, and nobody answers. */
#define LOST { .end = SCRIPT_CLOSE }

static struct script_server *server;
static struct http_pool *pool;
static struct auth *auth;
static struct errors *errors;
static struct transfers *transfers;
static struct rest *rest;
static struct call call;

static void
rest_begin(const struct script_step *steps, size_t n)
{
	const struct http_config http = { .user_agent = "test",
		.data_slots = 2, .meta_slots = 1, .no_proxy = true };
	const struct auth_config credential = { AUTH_BEARER, NULL,
		"dapi-SECRET", "test" };
	struct rest_config config = { .timeout_ms = 3000,
		.answer_timeout_ms = 3000, .retry_timeout_ms = 5000 };

	server = script_start(steps, n);
	ck_assert_int_eq(http_pool_new(&http, &pool), 0);
	ck_assert_int_eq(auth_new(&credential, &auth), 0);
	ck_assert_int_eq(errors_new(&errors), 0);
	ck_assert_int_eq(transfers_new(&transfers), 0);
	config.base_url = server->url;
	config.http = pool;
	config.auth = auth;
	config.errors = errors;
	config.transfers = transfers;
	ck_assert_int_eq(rest_new(&config, &rest), 0);
	call = (struct call){ .op = "test" };
}
#define REST_BEGIN(steps) rest_begin(steps, ARRAY_LEN(steps))

static void
rest_end(void)
{
	rest_free(rest);
	transfers_free(transfers);
	errors_free(errors);
	auth_free(auth);
	http_pool_free(pool);
	script_free(server);
}

#endif
