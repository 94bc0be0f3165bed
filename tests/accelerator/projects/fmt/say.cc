#include <fmt/chrono.h>
#include <fmt/color.h>
#include <fmt/ranges.h>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

int main()
{
    const std::map<std::string, std::vector<double>> numbers = {{"halves", {0.5, 1.5}}, {"large", {1e300}}};
    fmt::print("{} {:>8.3f} {:%H:%M:%S}\n", numbers, 2.0 / 3, std::chrono::seconds(3723));
    fmt::print(fmt::emphasis::bold, "{0:#x} {0:b} {1:?^9}\n", 42, "center");
    try {
        fmt::print(fmt::runtime("{:d}\n"), "a word is no number");
    } catch (const std::runtime_error &error) {
        fmt::print("{}\n", error.what());
    }
}
