# the table of the two runs is that of one run, with the step of the restart file twice
(head -n 4 whole.out; tail -n 3 whole.out) > expected.out
cmp -s expected.out parts.out && echo 1 > same.txt || echo 0 > same.txt
