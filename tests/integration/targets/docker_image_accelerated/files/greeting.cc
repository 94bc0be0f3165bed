#include "greeting.h"

std::string greeting(const std::string &who)
{
    return "hello, " + who + (sizeof(void *) == 4 ? " of 32 bits" : " of 64 bits");
}
