# The largest error by seed: gnuplot reports/seed-33001/seeds.gp
set terminal svg size 900,380 font 'sans,12' background rgb 'white'
set output 'reports/seed-33001/seeds.svg'
set datafile separator ','
# columns: seed, then of relative and of absolute bias the kernel's error and that of the f32 absolute reference
data = "< zcat reports/seed-33001.jsonl.gz | build/alibicheck report - --format csv" \
     . " --where 'kernel = single_pass and sentinel = -50000 and head_dim = 128'" \
     . " --table 'seed x recipe: max max_abs_err, max references.f32_absolute.truth.max_abs_err' | tr -d '\"'"
set xlabel 'seed'
set ylabel 'max |result - truth|, D = 128'
set xrange [-0.7:29.7]
set yrange [0:*]
set key outside top center horizontal
plot data using 1:4 with points lc rgb '#c0392b' pt 7 title 'kernel, absolute bias', \
     data using 1:3 with points lc rgb '#e08e0b' pt 5 title 'f32 reference, absolute bias', \
     data using 1:2 with points lc rgb '#2c5aa0' pt 9 title 'kernel, relative bias', \
     0.001 with lines lc rgb '#888888' dt 2 title 'atol'
