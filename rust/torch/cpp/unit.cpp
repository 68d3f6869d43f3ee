/* ----------------------------------------------------------------------
   Everything in one translation unit: libtorch's headers take far longer
   to compile than what is written here
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "border.cpp"
#include "checks.cpp"
#include "operators.cpp"
#include "program.cpp"
#include "script.cpp"
#include "tables.cpp"
