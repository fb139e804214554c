/** Kinds of hosts: how each changes the answers of a test's server, and what warnings or errors must say. */

import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

const CORS = "Access-Control-Allow-Origin";
const HTML = Buffer.from("<!-- app -->\n<!doctype html><title>App</title><div id=root></div>");
const XML = Buffer.from(
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
);

/** What was asked for before, for hosts that have trouble at first. */
export const asked = new Set();

/** Makes an HTML page, or another answer, of what is not there. */
const instead = (status, body, type) => (answer) => {
  if (answer.status === 404)
    Object.assign(answer, { status, body, headers: { ...answer.headers, "Content-Type": type } });
};

/**
 * Kinds of hosts. `host` changes the answers of `models`, `there` those of the other origin. `whole`
 * says that the host matters to the weights. `without` is what is said of optional files that are
 * missing; a host that says so plainly needs no words. `fails` is what is said where all is there.
 * `query` goes with the address. A `host` gets the answer, the path, Node's request and response,
 * and the address of the other origin.
 */
export const HOSTS = {
  "plain": {},
  "single-page rewrite": {
    host: instead(200, HTML, "text/html"),
    without: /tokenizer_config.json \(an HTML page/,
    missing: /an HTML page instead of the file.*rewrite/,
  },
  "S3: 403 for what is missing": {
    host: instead(403, XML, "application/xml"),
    without: /tokenizer_config.json \(status 403\)/,
    missing: /AccessDenied.*hosts like S3/,
  },
  "CORS only with success": {
    host: (answer) => void (answer.status === 404 && delete answer.headers[CORS]),
    without: /tokenizer_config.json \(refused by CORS\)/,
    missing:
      /does not allow this page's origin, http:\/\/localhost:\d+: .*Access-Control-Allow-Origin/,
  },
  "no CORS": {
    host: (answer) => void delete answer.headers[CORS],
    fails: /the host answers, but it does not allow .*Access-Control-Allow-Origin/,
  },
  "redirect to another origin": {
    whole: true,
    host: (answer, path, request, response, elsewhere) => redirect(answer, request, elsewhere),
  },
  "redirect without CORS there": {
    host: (answer, path, request, response, elsewhere) => redirect(answer, request, elsewhere),
    there: (answer) => void delete answer.headers[CORS],
    fails: /hosts that it redirects to/,
  },
  "signed address": {
    query: "?sig=a%2Fb&exp=9",
    host: (answer, path, { url }) => {
      if (!url.endsWith("?sig=a%2Fb&exp=9")) Object.assign(answer, { status: 403, body: XML });
    },
  },
  "wrong types": {
    host: (answer, path) =>
      void (answer.headers["Content-Type"] = path.endsWith(".json")
        ? "text/html"
        : path.endsWith(".wasm")
          ? "application/octet-stream"
          : "text/plain"),
  },
  "gzip": {
    whole: true,
    host: (answer) => {
      if (answer.status !== 200) return;
      answer.headers["Content-Encoding"] = "gzip";
      answer.body = gzipSync(answer.body, { level: 1 });
    },
  },
  "slow": {
    host: async (answer, path, request, response) => {
      if (answer.status !== 200 || !/shard|tensor/.test(path)) return;
      response.writeHead(200, answer.headers);
      for (
        let start = 0, part = (answer.body.length >> 3) + 1;
        start < answer.body.length;
        start += part
      ) {
        response.write(answer.body.subarray(start, start + part));
        await sleep(40);
      }
      response.end();
      answer.status = 0;
    },
  },
  "503 and 429 at first": {
    host: (answer, path) => {
      if (asked.has(path)) return;
      asked.add(path);
      const status = path.endsWith(".json") ? 503 : 429;
      Object.assign(answer, {
        status,
        body: Buffer.alloc(0),
        headers: {
          [CORS]: "*",
          "Access-Control-Expose-Headers": "Retry-After",
          "Retry-After": "0",
        },
      });
    },
  },
  "connection breaks": {
    host: breakOff,
    whole: true,
    broken: true,
  },
};

function redirect(answer, request, elsewhere) {
  Object.assign(answer, {
    status: 302,
    body: Buffer.alloc(0),
    headers: { ...answer.headers, Location: new URL(request.url, elsewhere).href },
  });
}

/** Sends half of a shard, and then no more, at the first request for it. */
function breakOff(answer, path, request, response) {
  if (!path.endsWith(".bin")) return;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from > 0) {
    answer.headers["Content-Range"] =
      `bytes ${from}-${answer.body.length - 1}/${answer.body.length}`;
    Object.assign(answer, { status: 206, body: answer.body.subarray(from) });
  }
  if (asked.has(path)) return;
  asked.add(path);
  response.writeHead(200, { ...answer.headers, "Content-Length": answer.body.length });
  response.write(answer.body.subarray(0, answer.body.length >> 1), () =>
    setTimeout(() => response.destroy(), 50),
  );
  answer.status = 0;
}
