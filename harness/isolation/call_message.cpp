#include "harness/isolation/call_message.h"

#include <nlohmann/json.hpp>

namespace attest::harness {
namespace {

using Json = nlohmann::json;

Json to_json(const PlacedBuffer& buffer) {
  return {{"name", buffer.name},
          {"access", static_cast<int>(buffer.access)},
          {"dtype", name_of(buffer.dtype)},
          {"shape", buffer.shape},
          {"region", buffer.region},
          {"region_bytes", buffer.region_bytes},
          {"offset", buffer.offset},
          {"bytes", buffer.bytes}};
}

PlacedBuffer buffer_from_json(const Json& json) {
  return {json.at("name").get<std::string>(),
          static_cast<Access>(json.at("access").get<int>()),
          dtype_from_name(json.at("dtype").get<std::string>()),
          json.at("shape").get<Shape>(),
          json.at("region").get<std::size_t>(),
          json.at("region_bytes").get<std::size_t>(),
          json.at("offset").get<std::size_t>(),
          json.at("bytes").get<std::size_t>()};
}

/// A library's own words may be no UTF-8.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string to_text(const CallRequest& request) {
  Json buffers = Json::array();
  for (const auto& buffer : request.buffers) buffers.push_back(to_json(buffer));
  return dump({{"function", request.function},
               {"threads", request.threads},
               {"numbers", request.numbers},
               {"same", request.same},
               {"buffers", buffers}});
}

CallRequest request_from_text(const std::string& text) {
  const Json json = Json::parse(text);
  CallRequest request;
  request.function = json.at("function").get<std::string>();
  request.threads = json.at("threads").get<int>();
  request.numbers = json.at("numbers").get<Numbers>();
  request.same = json.at("same").get<std::map<std::string, std::string>>();
  for (const auto& buffer : json.at("buffers")) request.buffers.push_back(buffer_from_json(buffer));
  return request;
}

std::string to_text(const CallReply& reply) {
  return dump({{"status", reply.status}, {"given", reply.given}, {"changed", reply.changed}});
}

CallReply reply_from_text(const std::string& text) {
  const Json json = Json::parse(text);
  return {json.at("status").get<std::int32_t>(), json.at("given").get<std::vector<std::string>>(),
          json.at("changed").get<std::string>()};
}

std::string to_text(const Greeting& greeting) {
  return dump({{"problem", greeting.problem},
               {"offers", greeting.offers},
               {"claims", greeting.declared.claims},
               {"score_storage", greeting.declared.score_storage},
               {"arithmetic", greeting.declared.arithmetic},
               {"seccomp", greeting.confinement.seccomp},
               {"landlock", greeting.confinement.landlock}});
}

Greeting greeting_from_text(const std::string& text) {
  const Json json = Json::parse(text);
  return {json.at("problem").get<std::string>(),
          json.at("offers").get<std::vector<std::string>>(),
          {json.at("claims").get<std::uint32_t>(), json.at("score_storage").get<std::uint32_t>(),
           json.at("arithmetic").get<std::uint64_t>()},
          {json.at("seccomp").get<std::string>(), json.at("landlock").get<std::string>()}};
}

}  // namespace attest::harness
