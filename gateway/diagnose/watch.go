package diagnose

import "io"

// Watch is r, telling how many bytes were read of it so far each time another
// step bytes have passed, and once more at its end. A log of a gigabyte takes
// seconds: the caller shows that something happens. Tell is called from Read,
// and must be quick.
func Watch(r io.Reader, step int64, tell func(bytes int64)) io.Reader {
	return &watched{r: r, step: step, tell: tell}
}

// watched is a reader that is counted.
type watched struct {
	r io.Reader
	// step is how often to tell, told what was told last.
	step, told, total int64
	tell              func(int64)
}

// Read reads and counts.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.total += int64(n)
	if w.total-w.told >= w.step || err != nil && w.total > w.told {
		w.told = w.total
		w.tell(w.total)
	}
	return n, err
}
