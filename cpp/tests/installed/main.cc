// What was generated is there, under the packages that the files have. What was changed in the meantime is, too.
#include <iostream>

#include "acme/letters/v1/types.gen.h"
#ifdef HAS_SERVICE
#include "acme/board/v1/service.gen.h"
static_assert(acme::board::v1::board_type_id_pin == 1);
#else
#include "acme/wall/v1/types.gen.h"
#endif

int main() { std::cout << encode(acme::letters::v1::letter{.text = "hello"}) << '\n'; }
