package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A Snapshot is a summary of the metrics at one moment.
type Snapshot struct {
	Answered uint64   // messages answered with 200
	Failed   uint64   // messages answered otherwise
	Latency  []uint64 // of both: how many took up to Bounds[i]; the last element counts all
	Batches  uint64   // transactions with messages
	Batched  float64  // messages in them
	LastSeq  int64    // newest message that this replica knows of; 0 if none

	Queue, Watchers int
	Open, Refused   int64 // connections
}

// Bounds returns the upper bounds of Snapshot.Latency in seconds; the last element of
// that has none.
func Bounds() []float64 { return seconds }

// Snapshot reads the counters while they go on counting.
func (m *Metrics) Snapshot() Snapshot {
	route := m.routes["/messages"]
	answered, latency, batch := read(route.ok), read(route.latency.(prometheus.Metric)), read(m.batch)
	s := Snapshot{
		Answered: uint64(answered.GetCounter().GetValue()),
		Batches:  batch.GetHistogram().GetSampleCount(),
		Batched:  batch.GetHistogram().GetSampleSum(),
		LastSeq:  int64(read(m.lastSeq).GetGauge().GetValue()),
		Queue:    m.queue(),
		Watchers: m.watchers(),
	}
	s.Open, s.Refused = m.connections()
	all := latency.GetHistogram()
	for _, b := range all.GetBucket() {
		s.Latency = append(s.Latency, b.GetCumulativeCount())
	}
	s.Latency = append(s.Latency, all.GetSampleCount())
	if all.GetSampleCount() > s.Answered { // they are not read at the same instant
		s.Failed = all.GetSampleCount() - s.Answered
	}
	return s
}

func read(m prometheus.Metric) *dto.Metric {
	var read dto.Metric
	if err := m.Write(&read); err != nil {
		panic(err) // only for metrics that are malformed
	}
	return &read
}
