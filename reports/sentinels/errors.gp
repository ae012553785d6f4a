# The largest error by policy: gnuplot reports/sentinels/errors.gp
set terminal svg size 900,420 font 'sans,12' background rgb 'white'
set output 'reports/sentinels/errors.svg'
set datafile separator ','
data = "< zcat reports/sentinels.jsonl.gz | build/alibicheck report - --format csv" \
     . " --where 'case ~ hole-* and kernel = split_kv' --table 'seq_len x sentinel: max max_abs_err'"
names = '-1e4 -5e4 -65504 -FLT_MAX/2 "guarded -inf" adaptive exclude'
array colours[7] = ['#c0392b', '#e08e0b', '#8e5ab5', '#7f8c8d', '#27865a', '#2c5aa0', '#111111']
set logscale xy
set xlabel 'keys'
set xrange [900:1.2e6]
set format '10^{%T}'
set ylabel 'max |out - truth|'
set key outside right noenhanced
plot for [i = 1:7] data using 1:(column(i + 1)) with linespoints lc rgb colours[i] pt i + 3 ps 1.42 - 0.12 * i \
         title word(names, i), \
     0.001 with lines lc rgb '#888888' dt 3 title 'atol'
