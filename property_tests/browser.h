#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "property_tests/scratch_folder.h"

namespace attest::property_tests {

struct Screen {
  int width = 1440;
  bool dark = false;
};

/// A real Chromium without a window, driven through its DevTools pipe (https://chromedevtools.github.io): JSON messages
/// that end in a zero byte, on descriptors 3 and 4.
class Browser {
 public:
  /// Where Chromium is; empty if it is not installed.
  static std::string program();

  /// Throws std::runtime_error, as all of it does.
  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  /// Loads a page anew and waits until it is complete. `fragment` is empty or "#...".
  void open(const std::filesystem::path& page, const std::string& fragment = "", const Screen& screen = {});

  /// The value of a JavaScript expression.
  nlohmann::json evaluate(const std::string& expression);

  /// The Enter key, where the focus is.
  void press_enter();

  /// The whole page, also what lies below the screen.
  void save_screenshot(const std::filesystem::path& file);

  /// Since the page was opened: errors and warnings of its console, and whatever it asked for beside itself.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  using Json = nlohmann::json;

  Json call(const std::string& method, const Json& parameters = Json::object());
  Json receive();
  void navigate(const std::string& address);
  void note(const Json& event);

  ScratchFolder profile_;
  pid_t process_ = -1;
  int to_browser_ = -1, from_browser_ = -1;
  int last_id_ = 0;
  std::string session_, received_, address_;
  bool loaded_ = false;
  std::vector<std::string> complaints_;
};

}  // namespace attest::property_tests
