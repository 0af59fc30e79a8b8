#include "harness/isolation/call_message.h"

#include <nlohmann/json.hpp>

namespace attest::harness {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlacedBuffer, name, access, dtype, shape, region, region_bytes, offset, bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CallRequest, function, threads, numbers, same, buffers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CallReply, status, given, changed, problem)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DeclaredWords, claims, score_storage, arithmetic, features)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Confinement, seccomp, landlock)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Greeting, problem, offers, declared, confinement)

namespace {

using Json = nlohmann::json;

/// A library's own words may be no UTF-8.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string to_text(const CallRequest& request) { return dump(request); }
std::string to_text(const CallReply& reply) { return dump(reply); }
std::string to_text(const Greeting& greeting) { return dump(greeting); }

CallRequest request_from_text(const std::string& text) { return Json::parse(text).get<CallRequest>(); }
CallReply reply_from_text(const std::string& text) { return Json::parse(text).get<CallReply>(); }
Greeting greeting_from_text(const std::string& text) { return Json::parse(text).get<Greeting>(); }

}  // namespace attest::harness
