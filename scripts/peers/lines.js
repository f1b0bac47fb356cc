// A program that a test drives: JSON commands in lines on standard input, one JSON answer a line on standard output. It
// ends with its input, so that nothing is left over when the test dies.
import { createInterface } from "node:readline";

export async function serveLines(commands, close) {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    let answer;
    try {
      const given = JSON.parse(line);
      if (!Object.hasOwn(commands, given.do)) throw new Error(`there is no command ${given.do}`);
      answer = { value: (await commands[given.do](given)) ?? null };
    } catch (e) {
      answer = { error: String(e?.message ?? e) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  await close();
  process.exit(0);
}
