#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What the reports in XML, HTML and Markdown have in common.
namespace attest::harness {

/// Text between tags or in a quoted attribute; what XML cannot hold is escaped ("\x1b").
std::string escaped(std::string_view text);

/// "reference", "optimized/avx2": who was judged, in a result or in an implementation of the summary.
std::string judged_label(const nlohmann::ordered_json& result);

/// The same for people: of a library its file's name, without the folders.
std::string short_label(const std::string& label);

/// A member that holds words.
std::string text_of(const nlohmann::ordered_json& item, const char* member);

/// A number of the document, where infinities and NaN are strings.
double number_of(const nlohmann::ordered_json& value);

/// The results of a case that let it fail.
std::vector<const nlohmann::ordered_json*> troubles_of(const nlohmann::ordered_json& item);

/// One failed result in a line: who, which stage, e, what is wrong, and what the explanation says.
std::string trouble_text(const nlohmann::ordered_json& result);

}  // namespace attest::harness
