/* emu/faults: which request a rule hits, and what some verbs make of it. */
#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "base/jval.h"
#include "base/log.h"
#include "emu/emu.h"
#include "emu/request.h"
#include "emu/routes.h"
#include "emu/shared.h"
#include "emu/verbs.h"
#include "tests/support/unit.h"

static struct emu emu;

static int
add(const char *text)
{
	struct json_object *rule = NULL;
	struct why why;
	int64_t id = 0;
	int ret;

	ck_assert_int_eq(jval_parse(text, strlen(text), &rule), 0);
	ret = faults_add(emu.faults, rule, &id, &why);
	json_object_put(rule);
	return ret < 0 ? ret : (int)id;
}

static void
begin(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	settings_init(&emu.settings);
	ck_assert_int_eq(faults_new(&emu.faults), 0);
}

static void
end(void)
{
	faults_free(emu.faults);
}

static struct request *
request(const char *method, const char *path, const char *subject)
{
	struct request *req = request_new(&emu, path);

	ck_assert_ptr_nonnull(req);
	(void)snprintf(req->method, sizeof(req->method), "%s", method);
	req->path = strdup(path);
	req->subject = subject != NULL ? strdup(subject) : NULL;
	req->goal = strdup("/goal");
	digest_sha256("t", 1, req->token_hash);
	req->route = routes_find(method, path);
	return req;
}

/* The status that the rules before the handler make of a list call; 0: none. */
static int
status_of(const char *subject)
{
	struct request *req = request("GET", "/api/2.0/dbfs/list", subject);
	int status;

	faults_run(req, FAULT_BEFORE);
	status = req->reply.status;
	request_free(req);
	return status;
}

static const struct {
	const char *match;
	const char *hits; /* of nine calls */
} counts[] = {
	{ "{}", "xxxxxxxxx" },
	{ "{\"nth\":3}", "..x......" },
	{ "{\"nth\":3,\"times\":2}", "..xx....." },
	{ "{\"nth\":2,\"every\":3}", ".x..x..x." },
	{ "{\"every\":4}", "x...x...x" },
	{ "{\"every\":2,\"times\":2}", "x.x......" },
	{ "{\"times\":3}", "xxx......" },
	{ "{\"times\":0}", "........." },
	{ "{\"p\":0}", "........." },
	{ "{\"method\":\"POST\"}", "........." },
	{ "{\"method\":\"GET\"}", "xxxxxxxxx" },
	{ "{\"path\":\"/api/2.0/dbfs/*\"}", "xxxxxxxxx" },
	{ "{\"path\":\"*/read\"}", "........." },
	{ "{\"target\":\"/a/*\"}", "xxxxxxxxx" },
	{ "{\"target\":\"/b/*\"}", "........." },
	{ "{\"target\":\"/goal\"}", "xxxxxxxxx" },
	{ "{\"token\":\"t\"}", "xxxxxxxxx" },
	{ "{\"token\":\"u\"}", "........." },
};

START_TEST(nth_every_and_times_choose)
{
	char rule[128], got[10] = "";

	begin();
	(void)snprintf(rule, sizeof(rule),
	    "{\"match\":%s,\"verb\":\"status\",\"code\":500}",
	    counts[_i].match);
	ck_assert_int_gt(add(rule), 0);
	for (int i = 0; i < 9; i++)
		got[i] = status_of("/a/b/c") == 500 ? 'x' : '.';
	ck_assert_str_eq(got, counts[_i].hits);
	end();
}
END_TEST

START_TEST(chance_is_the_same_in_every_run)
{
	static const char rule[] =
	    "{\"match\":{\"p\":0.5,\"seed\":9},\"verb\":\"status\"}";
	char first[65] = "", second[65] = "";
	char *runs[] = { first, second };
	int hits = 0;

	for (int run = 0; run < 2; run++) {
		begin();
		ck_assert_int_gt(add(rule), 0);
		for (int i = 0; i < 64; i++)
			runs[run][i] = status_of("/") != 0 ? 'x' : '.';
		end();
	}
	ck_assert_str_eq(first, second);
	for (int i = 0; i < 64; i++)
		hits += first[i] == 'x';
	ck_assert_int_gt(hits, 16);
	ck_assert_int_lt(hits, 48);
}
END_TEST

START_TEST(once_after_waits_for_another_rule)
{
	char rule[128];
	int first;

	begin();
	first = add("{\"match\":{\"target\":\"/first\"},\"verb\":\"status\","
		    "\"code\":500}");
	(void)snprintf(rule, sizeof(rule),
	    "{\"match\":{\"target\":\"/x\",\"once_after\":%d},"
	    "\"verb\":\"status\",\"code\":504}",
	    first);
	ck_assert_int_gt(add(rule), 0);
	ck_assert_int_eq(status_of("/x"), 0);
	ck_assert_int_eq(status_of("/first"), 500);
	ck_assert_int_eq(status_of("/x"), 504);
	end();
}
END_TEST

START_TEST(the_first_rule_that_answers_wins)
{
	int one;

	begin();
	one = add("{\"verb\":\"status\",\"args\":{\"code\":501}}");
	ck_assert_int_gt(add("{\"verb\":\"status\",\"code\":502}"), 0);
	ck_assert_int_eq(status_of("/"), 501);
	ck_assert_int_eq(faults_remove(emu.faults, one), 0);
	ck_assert_int_eq(faults_remove(emu.faults, one), -ENOENT);
	ck_assert_int_eq(status_of("/"), 502);
	ck_assert_int_eq(faults_remove(emu.faults, 0), 0);
	ck_assert_int_eq(status_of("/"), 0);
	end();
}
END_TEST

static const char *const senseless[] = {
	"{}",
	"{\"verb\":\"nope\"}",
	"{\"verb\":7}",
	"{\"verb\":\"status\",\"cod\":1}",
	"{\"verb\":\"status\",\"args\":{\"cod\":1}}",
	"{\"verb\":\"status\",\"match\":{\"pth\":\"/\"}}",
	"{\"verb\":\"status\",\"match\":7}",
	"{\"verb\":\"status\",\"match\":{\"nth\":0}}",
	"{\"verb\":\"status\",\"match\":{\"nth\":\"x\"}}",
	"{\"verb\":\"status\",\"match\":{\"path\":7}}",
	"{\"verb\":\"status\",\"nth\":1}",
	"{\"verb\":\"status\",\"path\":\"/\"}",
	"{\"verb\":\"status\",\"args\":{},\"code\":1}",
	"{\"verb\":\"status\",\"code\":\"x\"}",
	"{\"verb\":\"delay\",\"ms\":1.5}",
	"{\"verb\":\"cut\",\"how\":\"rst\"}",
	"{\"verb\":\"cut\",\"how\":\"status\"}",
	"{\"verb\":\"json\",\"mode\":\"letters\"}",
	"{\"verb\":\"base64\",\"mode\":7}",
	"{\"verb\":\"truncate\",\"length\":\"keep\"}",
	"{\"verb\":\"deny\",\"what\":\"reads\"}",
	"{\"verb\":\"remote_edit\",\"when\":\"later\"}",
	"{\"verb\":\"remote_edit\",\"keep_mtime\":1}",
	"{\"verb\":\"html_login\",\"redirect\":\"yes\"}",
	"{\"verb\":\"swap\",\"path\":7}",
	"{\"verb\":\"token\",\"how\":\"reset\"}",
	"{\"verb\":\"restart\",\"handles\":\"some\"}",
	"{\"verb\":\"drop_idle\",\"how\":\"status\"}",
	"{\"verb\":\"bad_chunk\",\"mode\":\"short\"}",
	"{\"verb\":\"json\",\"mode\":\"last\"}",
	"{\"verb\":\"delay\",\"jitter\":\"much\"}",
	"{\"verb\":\"status\",\"match\":{\"p\":\"x\"}}",
	"{\"verb\":\"status\",\"match\":{\"p\":2}}",
	"{\"verb\":\"status\",\"match\":{\"seed\":\"x\"}}",
	"{\"verb\":\"status\",\"match\":{\"token\":7}}",
};

START_TEST(a_rule_without_sense_is_refused)
{
	begin();
	ck_assert_int_eq(add(senseless[_i]), -EINVAL);
	end();
}
END_TEST

static const struct {
	const char *rule, *body, *want;
} bodies[] = {
	{ "{\"verb\":\"truncate\",\"n\":3,\"length\":\"fixed\"}", "{\"a\":1}",
	    "{\"a" },
	{ "{\"verb\":\"json\",\"mode\":\"short\"}", "12345678", "1234" },
	{ "{\"verb\":\"json\",\"mode\":\"null\"}", "{}", "null" },
	{ "{\"verb\":\"json\",\"mode\":\"missing\"}",
	    "{\"path\":\"/\",\"is_dir\":true}", "{\"is_dir\":true}" },
	{ "{\"verb\":\"json\",\"mode\":\"types\"}",
	    "{\"path\":\"/\",\"file_size\":5}",
	    "{\"path\":7,\"file_size\":\"many\"}" },
	{ "{\"verb\":\"size_lie\",\"d\":-2}",
	    "{\"files\":[{\"file_size\":5},{\"file_size\":0}]}",
	    "{\"files\":[{\"file_size\":3},{\"file_size\":-2}]}" },
	{ "{\"verb\":\"size_lie\",\"d\":9223372036854775806}",
	    "{\"file_size\":5}", "{\"file_size\":9223372036854775807}" },
	{ "{\"verb\":\"mtime_lie\",\"d\":-9223372036854775807}",
	    "{\"modification_time\":-5}",
	    "{\"modification_time\":-9223372036854775808}" },
	{ "{\"verb\":\"base64\",\"mode\":\"letters\"}",
	    "{\"bytes_read\":3,\"data\":\"QUJD\"}",
	    "{\"bytes_read\":3,\"data\":\"QU!D\"}" },
	{ "{\"verb\":\"base64\",\"mode\":\"missing\"}",
	    "{\"bytes_read\":3,\"data\":\"QUJD\"}", "{\"bytes_read\":3}" },
	{ "{\"verb\":\"json\",\"mode\":\"duplicate\"}",
	    "{\"path\":\"/1\",\"n\":5}",
	    "{\"path\":\"/1\",\"n\":5,\"path\":\"/1\",\"n\":7}" },
	{ "{\"verb\":\"json\",\"mode\":\"exponent\"}",
	    "{\"a1\":\"\\\"2\",\"b\":[-3,40]}",
	    "{\"a1\":\"\\\"2\",\"b\":[1e400,1e400]}" },
	{ "{\"verb\":\"json\",\"mode\":\"big\"}", "{\"a\":0}",
	    "{\"a\":9223372036854775808}" },
	{ "{\"verb\":\"json\",\"mode\":\"bom\"}", "{}", "\xef\xbb\xbf{}" },
	{ "{\"verb\":\"json\",\"mode\":\"utf8\"}", "{\"a\":\"b\"}",
	    "{\"a\":\"\xc3\x28\xed\xa0\x80\xff\x62\"}" },
	{ "{\"verb\":\"listing\",\"n\":1}", "{}",
	    "{\"files\":[{\"path\":\"/made-up-0000000\",\"is_dir\":false,"
	    "\"file_size\":1,\"modification_time\":1751620000000}]}" },
	{ "{\"verb\":\"corrupt\",\"at\":1}", "xyz", "xAz" },
	{ "{\"verb\":\"corrupt\",\"at\":9}", "xyz", "xyz" },
};

START_TEST(verbs_change_the_body)
{
	struct request *req = request("GET", "/api/2.0/dbfs/list", "/");

	begin();
	ck_assert_int_gt(add(bodies[_i].rule), 0);
	ck_assert_int_eq(reply_json(req, bodies[_i].body), 0);
	faults_run(req, FAULT_AFTER);
	ck_assert_str_eq(buf_text(&req->reply.body), bodies[_i].want);
	request_free(req);
	end();
}
END_TEST

START_TEST(long_waits_have_an_end)
{
	struct request *req = request("GET", "/api/2.0/dbfs/list", "/");

	begin();
	for (int i = 0; i < 4; i++)
		ck_assert_int_gt(
		    add("{\"verb\":\"delay\",\"ms\":9223372036854775806}"), 0);
	ck_assert_int_gt(
	    add("{\"verb\":\"retry_after\",\"in\":9223372036854775806}"), 0);
	faults_run(req, FAULT_BEFORE);
	ck_assert_int_lt(req->plan.delay_ms, INT64_MAX / 4000000);
	ck_assert_int_gt(req->plan.delay_ms, 86400000);
	ck_assert_str_eq(req->reply.headers[0].name, "Retry-After");
	ck_assert_ptr_nonnull(strstr(req->reply.headers[0].value, " GMT"));
	request_free(req);
	end();
}
END_TEST

START_TEST(names_are_added_to_a_listing)
{
	struct request *req = request("GET", "/api/2.0/dbfs/list", "/d");

	begin();
	ck_assert_int_gt(
	    add("{\"verb\":\"names\",\"list\":[\"..\",\"a/b\",\"\"]}"), 0);
	ck_assert_int_eq(reply_json(req, "{}"), 0);
	faults_run(req, FAULT_AFTER);
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&req->reply.body), "\"path\":\"/d/..\""));
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&req->reply.body), "\"path\":\"/d/\""));
	request_free(req);
	end();
}
END_TEST

/* The moments of lines and pairs, without the requests. */
START_TEST(requests_of_a_rule_share_a_line)
{
	struct shared *s;
	int64_t first, second;

	ck_assert_int_eq(shared_new(&s), 0);
	first = shared_line(s, SHAPER_DOWN, 1000, 500);
	second = shared_line(s, SHAPER_DOWN, 1000, 500);
	ck_assert_int_eq(second - first, 500000000);
	/* The other direction is another line. */
	ck_assert_int_lt(shared_line(s, SHAPER_UP, 1000, 500), second);
	shared_unref(s);
}
END_TEST

START_TEST(old_answers_are_remembered_for_their_time)
{
	struct request *one = request("GET", "/api/2.0/dbfs/list", "/");
	struct request *two = request("GET", "/api/2.0/dbfs/list", "/");
	struct request *other = request("GET", "/api/2.0/dbfs/read", "/");
	struct shared *s;

	begin();
	ck_assert_int_eq(shared_new(&s), 0);
	ck_assert(!shared_recall(s, two, 0, 1000));
	ck_assert_int_eq(reply_json(one, "{\"old\":1}"), 0);
	shared_remember(s, one, 1000);
	ck_assert(!shared_recall(s, other, 0, 2000));
	ck_assert(!shared_recall(s, two, 1001, 2000));
	ck_assert(shared_recall(s, two, 1000, 2000));
	ck_assert_str_eq(buf_text(&two->reply.body), "{\"old\":1}");
	ck_assert_int_eq(reply_json(one, "{\"new\":1}"), 0);
	shared_remember(s, one, 3000);
	ck_assert(shared_recall(s, two, 2000, 3000));
	ck_assert_str_eq(buf_text(&two->reply.body), "{\"new\":1}");
	shared_unref(s);
	request_free(one);
	request_free(two);
	request_free(other);
	end();
}
END_TEST

START_TEST(arguments_have_defaults)
{
	struct json_object *args = json_object_new_object();

	ck_assert(!verbs_knows(verbs_find("status"), "when"));
	ck_assert(verbs_knows(verbs_find("remote_edit"), "when"));
	ck_assert_int_eq(verb_number(args, "x", 5), 5);
	ck_assert_str_eq(verb_text(args, "x", "y"), "y");
	json_object_put(args);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(nth_every_and_times_choose, counts),
	UNIT(chance_is_the_same_in_every_run),
	UNIT(once_after_waits_for_another_rule),
	UNIT(the_first_rule_that_answers_wins),
	UNIT_ROWS(a_rule_without_sense_is_refused, senseless),
	UNIT_ROWS(verbs_change_the_body, bodies),
	UNIT(long_waits_have_an_end),
	UNIT(names_are_added_to_a_listing),
	UNIT(requests_of_a_rule_share_a_line),
	UNIT(old_answers_are_remembered_for_their_time),
	UNIT(arguments_have_defaults),
};

UNIT_MAIN("emu/faults", tests)
