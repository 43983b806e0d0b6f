// Files of OwnWire as a build would make them, small enough to be read in a test.
#pragma once

#include <array>

#include "ownwire_assets/files.h"

namespace flowersec::apps {

inline const std::array<asset_file, 8> small_files{{
    {"css/style.css", ".chat { color: black }"},
    {"js/application.js", "keys=\"%OWNWIRE_SERVER_KEYS%\";compat=\"%OWNWIRE_COMPAT_SRI%\""},
    {"js/ownwire.js", "SDK=\"%OWNWIRE_SERVER_KEYS%\";compat=\"%OWNWIRE_COMPAT_SRI%\""},
    {"js/ownwire_compat.js", "compat()"},
    {"js/ownwire_widget.js",
     "W=\"%OWNWIRE_SERVER_KEYS%\";compat=\"%OWNWIRE_COMPAT_SRI%\";application=\"%OWNWIRE_APPLICATION_SRI%\""},
    {"assets/chat-icon.png", "\x89PNG"},
    {"html/index.html",
     "<link rel=\"stylesheet\" href=\"/css/style.css\"><script type=\"module\" src=\"/js/application.js\"></script>"
     "<p>\"/js/other.js\" /css/style.css</p>"},
    {"html/embed_example.html", "<script src=\"/js/ownwire_widget.js\"></script><script>ownwireWidget({});</script>"},
}};

}  // namespace flowersec::apps
