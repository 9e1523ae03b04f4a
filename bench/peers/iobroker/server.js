// iobroker.sia as a bare receiver: its own parser and answers, no storage, nothing done with a signal.
const { sia } = require("iobroker.sia/build/lib/sia.js");

const [accounts, host] = [Number(process.argv[2]), "127.0.0.1"];
const password = process.argv[3]; // the AES key as text; none: in clear
const receiver = new sia({ timeout: 0, host, port: 0, sockend: false });
receiver.setAccounts(
  Array.from({ length: accounts }, (_, n) => ({
    accountnumber: (0xa000 + n).toString(16).toUpperCase(),
    ...(password ? { aes: true, hex: false, password } : { aes: false }),
  })),
);
receiver.servertcp.on("listening", () => {
  console.log(`listening ${host}:${receiver.servertcp.address().port}`);
});
receiver.on("sia", () => {});
receiver.on("error", () => {});
receiver.serverStartTCP();
