#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "fixtures/case_file.h"
#include "fixtures/hdf5_handle.h"
#include "fixtures/hdf5_step.h"
#include "harness/judge/case_truth.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// One budget: what the C++ reference allows and what the exporter judged torchtune's recordings by is the same for
/// every element of every recorded case.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

/// Two orders above the largest difference there is, which is in an attention's errors after propagation.
constexpr double kRounding = 1e-10;

/// The datasets of a file that exporter/budgets.py wrote.
class ExportersBudgets {
 public:
  explicit ExportersBudgets(const fs::path& file)
      : file_(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose) {}

  std::vector<double> read(const std::string& path) const {
    const Hdf5Handle dataset(H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), H5Dclose);
    const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
    std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
    H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    return values;
  }

 private:
  Hdf5Handle file_;
};

bool agree(double ours, double theirs) {
  if (ours == theirs || (std::isnan(ours) && std::isnan(theirs))) return true;
  return std::fabs(ours - theirs) <= kRounding * std::fabs(ours);
}

struct Counts {
  std::int64_t compared = 0, different = 0;
};

void compare(const Tensor& ours, const std::vector<double>& theirs, const std::string& what, Counts& counts) {
  const auto values = ours.as<double>();
  ASSERT_EQ(values.size(), theirs.size()) << what;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    ++counts.compared;
    if (agree(values[i], theirs[i])) continue;
    if (++counts.different <= 10) ADD_FAILURE() << what << " " << i << ": " << values[i] << " and " << theirs[i];
  }
}

void compare_case(const Case& item, const ExportersBudgets& theirs, Counts& counts) {
  const auto judged = harness::with_truths(item);
  for (std::size_t i = 0; i < judged.steps.size(); ++i) {
    const std::string step = "steps/" + step_name(i);
    for (const auto& [stage, truth] : judged.steps[i].localised) {
      const std::string at = step + "/localised/" + std::string(name_of(stage));
      compare(truth.budget, theirs.read(at + "/budget"), item.name + " " + at, counts);
    }
    for (const auto& [stage, truth] : judged.steps[i].end_to_end) {
      const std::string at = step + "/end_to_end/" + std::string(name_of(stage));
      compare(truth.budget, theirs.read(at + "/budget"), item.name + " " + at, counts);
      if (truth.condition.size() == 0) continue;
      compare(truth.condition, theirs.read(at + "/condition"), item.name + " " + at + "/condition", counts);
    }
  }
}

TEST(golden_budgets, of_the_exporter_are_those_of_the_reference_in_every_element) {
  const char* const python = std::getenv("ATTEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "ATTEST_PYTHON names no Python with NumPy and h5py";
  const ScratchFolder scratch;
  const auto outcome = run_command({python, "-B", "-m", "exporter.budgets", ATTEST_FIXTURES, scratch.path().string()},
                                   {{"PYTHONPATH", (fs::path(ATTEST_SOURCE) / "scripts").string()}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;

  Counts counts;
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(scratch.path())) {
    if (entry.path().extension() != ".h5") continue;
    const Case item = read_case(fs::path(ATTEST_FIXTURES) / fs::relative(entry.path(), scratch.path()));
    compare_case(item, ExportersBudgets(entry.path()), counts);
    ++files;
  }
  EXPECT_GE(files, 285U);
  EXPECT_GT(counts.compared, 1'000'000);
  EXPECT_EQ(counts.different, 0);
}

}  // namespace
}  // namespace attest::property_tests
