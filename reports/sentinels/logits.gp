# Logits of the steepest head, biases alone, beside sentinels: gnuplot reports/sentinels/logits.gp
set terminal svg size 900,420 font 'sans,12' background rgb 'white'
set output 'reports/sentinels/logits.svg'
data = "< zcat reports/sentinels.jsonl.gz | build/alibicheck report - --format csv" \
     . " --where 'case ~ hole-*' --table 'seq_len: count'"
slope = 0.5
log2_e = 1 / log(2)
set datafile separator ','
set logscale xy
set xlabel 'keys'
set xrange [900:1.2e6]
set format '10^{%T}'
set ylabel '-logit, base 2 (a lower logit is further up)'
set key top left
plot data using 1:(slope * ($1 - 1) * log2_e) with linespoints lc rgb '#999999' pt 7 ps 0.4 \
         title 'lowest logit: the oldest key', \
     data using 1:(slope * int($1 * 6 / 10) * log2_e) with linespoints lc rgb '#111111' pt 7 ps 0.4 lw 2 \
         title 'highest visible logit, hole of 60%', \
     10000 with lines lc rgb '#c0392b' dt 2 lw 2 title '-1e4', \
     50000 with lines lc rgb '#e08e0b' dt 2 lw 2 title '-5e4', \
     65504 with lines lc rgb '#8e5ab5' dt 2 lw 2 title '-65504'
