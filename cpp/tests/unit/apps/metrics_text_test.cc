// The text that Prometheus reads.
#include "serving/metrics_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace flowersec::apps {
namespace {

TEST(metrics_text, is_sorted_by_name_and_leaves_empty_families_out) {
  EXPECT_EQ(metrics_text({{"b_total", "Second.", true, {{3, {}}}},
                          {"c", "Nothing.", false, {}},
                          {"a", "First.", false, {{0.5, {{"x", "1"}, {"y", "2"}}}, {7, {{"x", "3"}}}}}}),
            "# HELP a First.\n# TYPE a gauge\na{x=\"1\",y=\"2\"} 0.5\na{x=\"3\"} 7\n"
            "# HELP b_total Second.\n# TYPE b_total counter\nb_total 3\n");
}

TEST(metrics_text, escapes_what_would_end_a_label_or_a_line) {
  EXPECT_EQ(metrics_text({{"a", "one\ntwo \"three\" \\", false, {{1, {{"x", "q\"b\\n\n"}}}}}}),
            "# HELP a one\\ntwo \"three\" \\\\\n# TYPE a gauge\na{x=\"q\\\"b\\\\n\\n\"} 1\n");
}

TEST(metrics_text, numbers_are_exact_and_the_odd_ones_have_their_names) {
  const auto written = [](double value) {
    const auto text = metrics_text({{"a", "", false, {{value, {}}}}});
    return text.substr(text.rfind("\na ") + 3);
  };
  EXPECT_EQ(written(0), "0\n");
  EXPECT_EQ(written(1792345678.25), "1792345678.25\n");
  EXPECT_EQ(written(9007199254740991.0), "9007199254740991\n");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "+Inf\n");
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "NaN\n");
}

}  // namespace
}  // namespace flowersec::apps
