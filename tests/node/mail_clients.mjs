// What mail clients do not understand in a body. Usage: node mail_clients.mjs body.html → one JSON line on stdout.
import { readFileSync } from "node:fs";
import { doIUseEmail } from "@jsx-email/doiuse-email";
import { caniemail } from "caniemail";

const html = readFileSync(process.argv[2], "utf8");
const CLIENTS = [
  "gmail.desktop-webmail", "gmail.ios", "gmail.android", "outlook.windows", "outlook.macos", "outlook.ios",
  "apple-mail.macos", "apple-mail.ios", "mail-ru.desktop-webmail",
];
const found = {};
for (const client of CLIENTS) {
  // One client at a time: the library drops an unknown name silently beside known ones.
  const result = doIUseEmail(html, { emailClients: [client] });
  found[client] = (result.errors ?? []).map(String);
}
const second = caniemail({ clients: ["outlook.outlook-com", "gmail.*", "outlook.windows", "mail-ru.desktop-webmail"], html });
const errors = {};
const entries = second.issues?.errors instanceof Map ? [...second.issues.errors] : Object.entries(second.issues?.errors ?? {});
for (const [client, issues] of entries) {
  errors[client] = issues.map((issue) => issue.title ?? String(issue));
}
process.stdout.write(JSON.stringify({ doiuse: found, caniemail: errors }));
