#pragma once

namespace attest::harness {

extern const char* const kStyleSheet;  ///< harness/report/html/page.css and plots.css
extern const char* const kScript;      ///< harness/report/html/page.js

}  // namespace attest::harness
