#include "issuer_keygen/options.h"

namespace flowersec::apps {

program describe_issuer_keygen(issuer_keygen_options& o) {
  return {
      .name = "flowersec-issuer-keygen",
      .summary = "Makes an issuer's signing key and the public keyset that tunnels verify tokens with.",
      .blocks = {{"Usage", {"flowersec-issuer-keygen [flags]"}},
                 {"Examples",
                  {"flowersec-issuer-keygen --kid k1 --out-dir ./keys",
                   "flowersec-issuer-keygen --private-key-file /etc/flowersec/issuer.json --overwrite"}},
                 {"Output",
                  {"issuer_key.json   private key, mode 0600: keep it with the issuer",
                   "issuer_keys.json  public keyset, mode 0644: give it to every tunnel",
                   "stdout            one JSON line: version, commit, date, kid, private_key_file, issuer_keys_file"}},
                 {"Exit codes", {"0  success", "1  a file or directory could not be written", "2  usage error"}}},
      .options = {
          {"kid", &o.kid, "key id of the new key", {"FSEC_ISSUER_KID"}},
          {"out-dir", &o.out_dir, "directory for the files; made with mode 0700 when missing", {"FSEC_ISSUER_OUT_DIR"}},
          {"private-key-file",
           &o.private_key_file,
           "private key file; a relative name is inside --out-dir",
           {"FSEC_ISSUER_PRIVATE_KEY_FILE"}},
          {"issuer-keys-file",
           &o.issuer_keys_file,
           "public keyset file; a relative name is inside --out-dir",
           {"FSEC_ISSUER_KEYS_FILE", "FSEC_TUNNEL_ISSUER_KEYS_FILE"}},
          {"overwrite", &o.overwrite, "replace existing files"},
          {"pretty", &o.pretty, "indent the JSON on stdout"},
      }};
}

}  // namespace flowersec::apps
