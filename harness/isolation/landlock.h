#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What of the file system a worker may use, refused by the kernel (Landlock), for good. Whoever is confined so may not
/// trace or look into a process outside either, root included. Each is empty, or why it is not in force.
namespace attest::harness {

/// Every file may be read but those in `hidden`, files or folders; none is written but those of /dev.
std::string allow_reading_all_but(const std::vector<std::filesystem::path>& hidden,
                                  const std::filesystem::path& library);

std::string forbid_every_file();

}  // namespace attest::harness
