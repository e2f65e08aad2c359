// Logs users in with express-session, and prints what it has stored in Redis and the cookie that it has set, as
// `sessions.json` has it:
//
//     npm install && REDIS_URL=redis://127.0.0.1 node write.mjs > sessions.json
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

const client = await createClient({ url: process.env.REDIS_URL }).connect();
const written = [];

async function write(name, options, cookie) {
  const app = express();
  const prefix = `adopt-fixture-${process.pid}-${name}:`;
  app.use(session({
    store: new RedisStore({ client, prefix, ...options }),
    secret: ["the current secret", "the one before"],
    resave: false,
    saveUninitialized: false,
    cookie,
  }));
  app.post("/login", (request, response) => {
    request.session.user = "ann";
    request.session.cart = ["tea", "büro"];
    response.end();
  });
  const server = app.listen(0);
  const reply = await fetch(`http://127.0.0.1:${server.address().port}/login`, { method: "POST" });
  const [key] = await client.keys(`${prefix}*`);
  written.push({
    name,
    cookie: reply.headers.get("set-cookie").split(";")[0],
    key: key.replace(prefix, "sess:"),
    value: await client.get(key),
  });
  await client.del(key);
  server.close();
}

await write("default", {}, {});
await write("max-age", {}, { maxAge: 100 * 365 * 24 * 60 * 60 * 1000 });
await write("disable-ttl", { disableTTL: true }, { maxAge: 1000 });
await client.close();
console.log(JSON.stringify(written, null, 2));
