// Flags of the form `--name value` or `--name=value`.

/** `defaults` names every flag; -h and --help print `help`. Ends with 2 on anything else. */
export function readFlags(help, defaults, args = process.argv.slice(2)) {
  const values = { ...defaults };
  const refuse = (problem) => {
    console.error(`${problem}\n\n${help}`);
    process.exit(2);
  };
  for (let at = 0; at < args.length; at++) {
    if (args[at] === "-h" || args[at] === "--help") {
      console.log(help);
      process.exit(0);
    }
    const [, name, inline] = /^--([^=]+)(?:=([^]*))?$/.exec(args[at]) ?? [];
    if (name === undefined || !Object.hasOwn(defaults, name)) refuse(`unknown argument: ${args[at]}`);
    const value = inline ?? args[++at];
    if (value === undefined) refuse(`--${name} needs a value`);
    values[name] = value;
  }
  return values;
}
