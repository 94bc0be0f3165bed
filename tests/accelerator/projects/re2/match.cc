#include <iostream>
#include <map>
#include <re2/re2.h>
#include <string>

int main(int, char **arguments)
{
    std::map<std::string, int> date;
    int year, month, day;
    if (!RE2::PartialMatch(arguments[1], "(\\d+)-(\\d+)-(\\d+)", &year, &month, &day))
        return 1;
    date = {{"year", year}, {"month", month}, {"day", day}};
    for (const auto &part : date)
        std::cout << part.first << ' ' << part.second << '\n';
}
