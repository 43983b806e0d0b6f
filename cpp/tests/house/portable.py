"""A program that is copied to a machine without development packages runs there.

Two looks at each program named on the command line:
  1. the dynamic section names libc and its parts, the compiler's runtime and OpenSSL, and nothing else;
  2. a copy in another folder, started without any environment, says its version.
A program that is linked the usual way must fail the first look: a check that cannot fail proves nothing.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ALLOWED = re.compile(r"^(libc|libm|libstdc\+\+|libgcc_s|libssl|libcrypto|ld-linux-[\w-]+)\.so(\.[\d.]+)?$")


def foreign(program):
    text = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", text)
    if not needed:
        sys.exit(f"portable: {program}: readelf names no library")
    return [name for name in needed if not ALLOWED.match(name)]


def version_elsewhere(program):
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / program.name
        shutil.copy2(program, copy)
        return subprocess.run([copy, "--version"], cwd=folder, env={}, check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--usual", type=pathlib.Path, required=True, help="a program linked the usual way")
    parser.add_argument("programs", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()

    failed = False
    for program in arguments.programs:
        names = foreign(program)
        print(f"{program.name}: {'needs ' + ', '.join(names) if names else 'needs libc, libstdc++ and OpenSSL only'}")
        print(f"{program.name} elsewhere: {version_elsewhere(program).strip()}")
        failed |= bool(names)
    usual = foreign(arguments.usual)
    print(f"{arguments.usual.name}: needs {len(usual)} more, as it must")
    return 1 if failed or not usual else 0


if __name__ == "__main__":
    sys.exit(main())
