#include "harness/search/drawn_question.h"

#include "harness/draw/draw_line.h"
#include "harness/laws/evidence.h"
#include "harness/search/replay_line.h"

namespace attest::harness {

LawVerdict ask(const DrawnQuestion& question, const Implementation& implementation) {
  return try_law(*question.law, implementation, question.draw).verdict;
}

std::string to_line(const std::vector<DrawnQuestion>& questions, const std::string& implementation) {
  std::string line = "implementation=" + in_line(implementation);
  for (std::size_t at = 0; at < questions.size(); ++at) {
    if (at > 0) line += " then";
    line += " law=" + std::string(questions[at].law->name) + " " + to_line(questions[at].draw);
  }
  return line;
}

}  // namespace attest::harness
