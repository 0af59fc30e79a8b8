#include "property_tests/browser.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include "property_tests/run_command.h"

namespace attest::property_tests {
namespace {

constexpr int kPatience = 60'000;  // milliseconds without a message
constexpr int kPhone = 600;        // pixels: narrower is one

struct Pipe {
  int read_end = -1, write_end = -1;
};

Pipe open_pipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe to the browser");
  return {ends[0], ends[1]};
}

[[noreturn]] void become_browser(const std::string& program, const std::string& profile, const Pipe& commands,
                                 const Pipe& answers) {
  // First out of the way of 3 and 4.
  const int input = ::fcntl(commands.read_end, F_DUPFD, 10), output = ::fcntl(answers.write_end, F_DUPFD, 10);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int standard : {0, 1, 2}) ::dup2(nowhere, standard);
  ::dup2(input, 3);
  ::dup2(output, 4);
  const std::string folder = "--user-data-dir=" + profile;
  ::execl(program.c_str(), program.c_str(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
          "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe", folder.c_str(), "about:blank", nullptr);
  ::_exit(127);
}

std::string decoded(const std::string& base64) {
  std::string bytes(base64.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), reinterpret_cast<const unsigned char*>(base64.data()),
                  static_cast<int>(base64.size()));
  return bytes;
}

bool is_complaint(const std::string& level) { return level == "error" || level == "warning"; }

}  // namespace

std::string Browser::program() {
  std::string path = run_command({"/bin/sh", "-c", "command -v chromium"}).out;
  return path.substr(0, path.find('\n'));
}

Browser::Browser() {
  const Pipe commands = open_pipe(), answers = open_pipe();
  const std::string chromium = program();
  process_ = ::fork();
  if (process_ == 0) become_browser(chromium, profile_.path().string(), commands, answers);
  ::close(commands.read_end);
  ::close(answers.write_end);
  to_browser_ = commands.write_end;
  from_browser_ = answers.read_end;
  std::signal(SIGPIPE, SIG_IGN);
  const auto target = call("Target.createTarget", {{"url", "about:blank"}}).at("targetId");
  session_ = call("Target.attachToTarget", {{"targetId", target}, {"flatten", true}}).at("sessionId");
  for (const std::string domain : {"Page", "Runtime", "Log", "Network"}) call(domain + ".enable");
}

Browser::~Browser() {
  ::close(to_browser_);  // which ends it
  ::close(from_browser_);
  ::waitpid(process_, nullptr, 0);
}

void Browser::open(const std::filesystem::path& page, const std::string& fragment, const Screen& screen) {
  const bool is_phone = screen.width < kPhone;
  call("Emulation.setDeviceMetricsOverride",
       {{"width", screen.width}, {"height", 900}, {"deviceScaleFactor", is_phone ? 2 : 1}, {"mobile", is_phone}});
  const Json scheme = {{"name", "prefers-color-scheme"}, {"value", screen.dark ? "dark" : "light"}};
  call("Emulation.setEmulatedMedia", {{"features", Json::array({scheme})}});
  navigate("about:blank");  // a change of the fragment alone would load nothing
  complaints_.clear();
  navigate("file://" + page.string() + fragment);
}

nlohmann::json Browser::evaluate(const std::string& expression) {
  const Json answer = call("Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}});
  if (answer.contains("exceptionDetails")) throw std::runtime_error(expression + ": " + answer.dump());
  return answer.at("result").value("value", Json());
}

void Browser::press_enter() {
  for (const char* type : {"keyDown", "keyUp"}) {
    call("Input.dispatchKeyEvent",
         {{"type", type}, {"key", "Enter"}, {"code", "Enter"}, {"text", "\r"}, {"windowsVirtualKeyCode", 13}});
  }
}

void Browser::save_screenshot(const std::filesystem::path& file) {
  const Json size = call("Page.getLayoutMetrics").at("cssContentSize");
  const Json clip = {{"x", 0}, {"y", 0}, {"width", size.at("width")}, {"height", size.at("height")}, {"scale", 1}};
  const Json image = call("Page.captureScreenshot", {{"captureBeyondViewport", true}, {"clip", clip}});
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << decoded(image.at("data"));
}

void Browser::navigate(const std::string& address) {
  address_ = address;
  loaded_ = false;
  call("Page.navigate", {{"url", address}});
  while (!loaded_) note(receive());
}

nlohmann::json Browser::call(const std::string& method, const Json& parameters) {
  Json message = {{"id", ++last_id_}, {"method", method}, {"params", parameters}};
  if (!session_.empty()) message["sessionId"] = session_;
  const std::string text = message.dump() + '\0';
  if (::write(to_browser_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("the browser has ended");
  }
  for (;;) {
    const Json answer = receive();
    if (answer.value("id", 0) != last_id_) {
      note(answer);
    } else if (answer.contains("error")) {
      throw std::runtime_error(method + ": " + answer.dump());
    } else {
      return answer.at("result");
    }
  }
}

nlohmann::json Browser::receive() {
  std::size_t end;
  while ((end = received_.find('\0')) == received_.npos) {
    pollfd waiting = {.fd = from_browser_, .events = POLLIN, .revents = 0};
    std::array<char, 65536> buffer;
    const ssize_t count = ::poll(&waiting, 1, kPatience) == 1 ? ::read(from_browser_, buffer.data(), buffer.size()) : 0;
    if (count <= 0) throw std::runtime_error("the browser says nothing more");
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  Json message = Json::parse(received_.substr(0, end));
  received_.erase(0, end + 1);
  return message;
}

void Browser::note(const Json& event) {
  const std::string method = event.value("method", "");
  const Json parameters = event.value("params", Json::object());
  if (method == "Page.loadEventFired") loaded_ = true;
  if (method == "Runtime.exceptionThrown") complaints_.push_back(parameters.dump());
  if (method == "Runtime.consoleAPICalled" && is_complaint(parameters.at("type")))
    complaints_.push_back(parameters.dump());
  if (method == "Log.entryAdded" && is_complaint(parameters.at("entry").at("level")))
    complaints_.push_back(parameters.dump());
  if (method == "Network.requestWillBeSent") {
    const std::string url = parameters.at("request").at("url");
    if (!url.starts_with("data:") && !address_.starts_with(url)) complaints_.push_back("asked for " + url);
  }
}

}  // namespace attest::property_tests
