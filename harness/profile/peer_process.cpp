#include "harness/profile/peer_process.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "harness/isolation/worker_channel.h"
#include "harness/machine/interrupt.h"
#include "harness/profile/named_layer.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

[[noreturn]] void refuse_python(const std::string& peer, const std::string& why) {
  throw InputError("--peer " + peer, "a Python with torchtune", why);
}

/// ATTEST_PYTHON, or the environment that scripts/regenerate makes.
std::string interpreter_for(const std::string& peer) {
  const char* asked = std::getenv("ATTEST_PYTHON");
  const bool by_user = asked != nullptr && *asked != '\0';
  const fs::path python = by_user ? fs::path(asked) : fs::path(ATTEST_SOURCE_SCRIPTS) / "../.venv/bin/python";
  if (by_user && !python.has_parent_path()) return python;  // execvp searches PATH
  if (::access(python.c_str(), X_OK) == 0) return python;
  refuse_python(peer, by_user ? "ATTEST_PYTHON=" + python.string() + ", which is not a program"
                              : "none: run scripts/regenerate once, which makes .venv, or set ATTEST_PYTHON");
}

template <class Rotary>
Json rotary_json(std::string_view kind, const Rotary& rotary) {
  return {{"kind", kind}, {"dim", rotary.dim}, {"base", rotary.base}};
}

Json to_json(const PosEmbeddings& embedding) {
  return std::visit(
      overloaded{
          [](const NoPosEmbeddings&) { return Json(); },
          [](const RotaryPositionalEmbeddings& r) { return rotary_json("RotaryPositionalEmbeddings", r); },
          [](const Llama3ScaledRoPE& r) {
            Json json = rotary_json("Llama3ScaledRoPE", r);
            json["scale_factor"] = r.scale_factor;
            return json;
          },
          [](const Phi3RotaryPositionalEmbeddings& r) { return rotary_json("Phi3RotaryPositionalEmbeddings", r); },
          [](const Qwen2RotaryPositionalEmbeddings& r) { return rotary_json("Qwen2RotaryPositionalEmbeddings", r); }},
      embedding);
}

/// Everything that a peer needs to build the same layer and the same inputs.
Json job_of(const ProfiledLayer& layer, const WorkItem& item, int threads) {
  const Config config = config_for(layer, item);
  Json weights = Json::array();
  for (const auto& weight : generated_weights(config)) {
    weights.push_back({{"name", weight.name}, {"stream", weight.stream}, {"exponent", weight.exponent}});
  }
  const bool bias = std::visit([](const Linear& linear) { return linear.bias; }, config.q_proj);
  return {{"layer",
           {{"embed_dim", config.embed_dim},
            {"num_heads", config.num_heads},
            {"num_kv_heads", config.num_kv_heads},
            {"head_dim", config.head_dim},
            {"bias", bias ? "qkv" : ""}}},
          {"pos_embeddings", to_json(config.pos_embeddings)},
          {"weights", weights},
          {"case_file", layer.case_file.empty() ? "" : fs::absolute(layer.case_file).string()},
          {"seed", kProfileSeed},
          {"activation_exponent", kActivationExponent},
          {"stream_of_x", kStreamOfX},
          {"stream_of_cached", kStreamOfCached},
          {"kind", to_text(item).substr(0, to_text(item).find(':'))},
          {"documents", item.documents},
          {"length", item.length},
          {"slots", item.slots},
          {"others", item.others},
          {"batch", item.batch},
          {"threads", threads}};
}

[[noreturn]] void become(const std::string& python, int socket) {
  ::dup2(socket, STDIN_FILENO);
  ::dup2(socket, STDOUT_FILENO);
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C is ours; the peer ends when the socket closes
  ::setenv("PYTHONPATH", ATTEST_SOURCE_SCRIPTS, 1);
  const char* arguments[] = {python.c_str(), "-B", "-m", "exporter.peer", nullptr};
  ::execvp(python.c_str(), const_cast<char* const*>(arguments));
  ::_exit(127);
}

}  // namespace

void check_peer(const std::string& name) {
  if (std::ranges::find(kPeers, name) == std::end(kPeers)) {
    throw InputError("--peer", "torchtune or torch-best", "'" + name + "'");
  }
  interpreter_for(name);
}

PeerProcess::PeerProcess(std::string name, const ProfiledLayer& layer, const WorkItem& item, int threads)
    : name_(std::move(name)) {
  const std::string python = interpreter_for(name_);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) refuse("no socket for it");
  child_ = ::fork();
  if (child_ == 0) become(python, ends[1]);
  ::close(ends[1]);
  socket_ = ends[0];
  if (child_ < 0) refuse("no process for it");
  Json job = job_of(layer, item, threads);
  job["peer"] = name_;
  versions_ = Json::parse(ask(job.dump())).at("versions").get<std::string>();
}

void PeerProcess::refuse(const std::string& why) const { refuse_python(name_, why); }

PeerProcess::~PeerProcess() {
  if (socket_ >= 0) ::close(socket_);
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

std::string PeerProcess::ask(const std::string& line) {
  const std::string message = line + "\n";
  for (std::size_t sent = 0; sent < message.size();) {
    const ssize_t count = ::send(socket_, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse("a Python that ended early");
    sent += static_cast<std::size_t>(count);
  }
  std::string answer;
  char buffer[1 << 16];
  while (!answer.ends_with('\n')) {
    if (!wait_for_message(socket_, std::chrono::steady_clock::time_point::max())) throw Interrupted();
    const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse("a Python that ended early");
    answer.append(buffer, static_cast<std::size_t>(count));
  }
  const Json json = Json::parse(answer, nullptr, false);
  if (json.is_discarded()) refuse("an answer that is no JSON: " + answer);
  if (json.contains("error")) refuse(json.at("error").get<std::string>());
  return answer;
}

PeerTimes PeerProcess::repeat() {
  const Json answer = Json::parse(ask(R"({"request": "repeat"})"));
  return {answer.at("cold").get<double>(), answer.at("warm").get<double>()};
}

std::vector<float> PeerProcess::output_rows(const std::vector<std::int64_t>& tokens) {
  const Json answer = Json::parse(ask(Json{{"request", "output"}, {"tokens", tokens}}.dump()));
  return answer.at("rows").get<std::vector<float>>();
}

}  // namespace attest::harness
