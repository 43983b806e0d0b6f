// Puts the files into the program as they are on disk; the build says where they are.
#include <array>

#include "ownwire_assets/files.h"

#define FLOWERSEC_EMBED(symbol, path)                                                         \
  asm(".pushsection .rodata, \"a\"\n"                                                         \
      ".balign 16\n"                                                                          \
      "flowersec_asset_" #symbol                                                              \
      ":\n"                                                                                   \
      ".incbin \"" FLOWERSEC_OWNWIRE_FOLDER "/" path                                          \
      "\"\n"                                                                                  \
      "flowersec_asset_" #symbol                                                              \
      "_end:\n"                                                                               \
      ".global flowersec_asset_" #symbol ", flowersec_asset_" #symbol                         \
      "_end\n"                                                                                \
      ".popsection\n");                                                                       \
  extern "C" const char flowersec_asset_##symbol[];                                           \
  extern "C" const char flowersec_asset_##symbol##_end[];                                     \
  namespace {                                                                                 \
  const flowersec::apps::asset_file symbol{                                                   \
      path,                                                                                   \
      {flowersec_asset_##symbol,                                                              \
       static_cast<std::size_t>(flowersec_asset_##symbol##_end - flowersec_asset_##symbol)}}; \
  }

FLOWERSEC_EMBED(style, "css/style.css")
FLOWERSEC_EMBED(compat, "js/ownwire_compat.js")
FLOWERSEC_EMBED(application, "js/application.js")
FLOWERSEC_EMBED(sdk, "js/ownwire.js")
FLOWERSEC_EMBED(widget, "js/ownwire_widget.js")
FLOWERSEC_EMBED(icon, "assets/chat-icon.png")
FLOWERSEC_EMBED(index_page, "html/index.html")
FLOWERSEC_EMBED(example_page, "html/embed_example.html")

namespace flowersec::apps {

asset_files built_in_files() noexcept {
  static const std::array files{style, compat, application, sdk, widget, icon, index_page, example_page};
  return files;
}

}  // namespace flowersec::apps
