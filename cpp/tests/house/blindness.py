"""A relay cannot see what it carries, because the code that could is not in the program.

Three independent looks at the built flowersec-tunnel and, where it is built, ownwire-edge:
  1. CMake's link graph names no target of a layer that handles keys or plaintext;
  2. the linker map names no object file of those layers, nor of the AEAD, key-derivation, key-agreement, signing
     and grant parts;
  3. the dynamic imports name no cipher, derivation or scalar multiplication called by the program itself
     (OpenSSL's TLS does its own, inside its library; libsodium is not linked into ownwire-edge at all, for its archive
     would hide what is called).
The same looks at flowersec-peer must find all of it: a check that cannot fail proves nothing.
"""
import argparse
import pathlib
import re
import subprocess
import sys

SEEING = (r"handshake|record|yamux|rpc|session|service|endpoint|controlplane|sealed|identity|rendezvous|ownwire(?!_(edge|frames|front))"
          r"|crypto_(aead|dh|kdf|sign)|token_(sign|grant|artifact)")
SEEING_TARGETS = re.compile(
    r"^flowersec_(" + SEEING + r")(_|$)")
SEEING_OBJECTS = re.compile(
    r"libflowersec_(" + SEEING + r")\w*\.a\b|libsodium\.a\b")
SEEING_IMPORTS = re.compile(
    r"\b(EVP_(Encrypt|Decrypt|Cipher|CIPHER)\w*|EVP_aes_\w+|EVP_PKEY_derive\w*|EVP_PKEY_keygen|ECDH_\w+|EC_POINT_mul"
    r"|EVP_KDF_\w+|HMAC\w*|crypto_(scalarmult|aead|secretbox|box|auth|kdf|kx|sign_detached|sign_seed|sign_keypair)\w*)\b")


def look(program, graph_dir, bin_dir):
    graph = (graph_dir / f"{program}.txt").read_text().split()
    if "flowersec_base" not in graph:
        sys.exit(f"blindness: {program}: the link graph does not even name flowersec_base")
    link_map = (bin_dir / f"{program}.map").read_text(errors="replace")
    if "libflowersec_base.a" not in link_map:
        sys.exit(f"blindness: {program}: the linker map names no archive member")
    imports = subprocess.run(["nm", "-DC", "--undefined-only", bin_dir / program], check=True, capture_output=True, text=True).stdout
    if not imports.strip():
        sys.exit(f"blindness: {program}: no dynamic imports found")
    return {
        "link graph": sorted({t for t in graph if SEEING_TARGETS.search(t)}),
        "linker map": sorted({m.group(0) for m in SEEING_OBJECTS.finditer(link_map)}),
        "imports": sorted({m.group(0) for m in SEEING_IMPORTS.finditer(imports)}),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--graph-dir", type=pathlib.Path, required=True)
    parser.add_argument("--bin-dir", type=pathlib.Path, required=True)
    parser.add_argument("relays", nargs="+")
    arguments = parser.parse_args()

    failed = False
    for relay in arguments.relays:
        for name, found in look(relay, arguments.graph_dir, arguments.bin_dir).items():
            print(f"{relay}, {name}: {', '.join(found) if found else 'nothing that could see'}")
            failed |= bool(found)
    for name, found in look("flowersec-peer", arguments.graph_dir, arguments.bin_dir).items():
        print(f"flowersec-peer, {name}: {len(found)} found, as it must be")
        failed |= not found
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
