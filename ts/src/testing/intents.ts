// What a machine wants.

/** All of it, in order. */
export function drain<Intent>(machine: { pollIntent(): Intent | undefined }): Intent[] {
  const all: Intent[] = [];
  for (let next = machine.pollIntent(); next !== undefined; next = machine.pollIntent()) all.push(next);
  return all;
}
