# The largest error by head: gnuplot reports/seed-33001/heads.gp
set terminal svg size 900,380 font 'sans,12' background rgb 'white'
set output 'reports/seed-33001/heads.svg'
set datafile separator ','
# columns: head, then of relative and of absolute bias the largest and the median
data = "< zcat reports/seed-33001.jsonl.gz | build/alibicheck report - --format csv" \
     . " --where 'kernel = single_pass and sentinel = -50000 and head_dim = 128'" \
     . " --table 'heads.head x recipe: max heads.max_abs_err, median heads.max_abs_err' | tr -d '\"'"
set logscale y
set xlabel 'head (0 has the steepest slope)'
set ylabel 'max |out - truth|'
set key top right
set xrange [-0.5:31.5]
set yrange [3e-5:5e-3]
set format y '10^{%T}'
plot data using 1:4 with linespoints lc rgb '#c0392b' pt 7 ps 0.5 title 'absolute bias, worst of 30 seeds', \
     data using 1:5 with lines lc rgb '#c0392b' dt 2 title 'absolute bias, median', \
     data using 1:2 with linespoints lc rgb '#2c5aa0' pt 7 ps 0.5 title 'relative bias, worst of 30 seeds', \
     data using 1:3 with lines lc rgb '#2c5aa0' dt 2 title 'relative bias, median'
