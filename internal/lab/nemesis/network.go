package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dummymessenger/internal/lab/netfault"
)

// Slow delays what replicas and their database send each other.
func Slow(networks ...*netfault.Proxy) Fault {
	return network("network slow", networks, func(p *netfault.Proxy) { p.Delay(20 * time.Millisecond) })
}

// Reset resets the connections that there are.
func Reset(networks ...*netfault.Proxy) Fault {
	return network("network reset", networks, (*netfault.Proxy).Reset)
}

// Cut resets connections and lets no new one be made.
func Cut(networks ...*netfault.Proxy) Fault {
	return network("network cut", networks, (*netfault.Proxy).Cut)
}

// HalfOpen leaves connections open that carry nothing.
func HalfOpen(networks ...*netfault.Proxy) Fault {
	return network("network half-open", networks, (*netfault.Proxy).BlackHole)
}

// LoseConfirmation resets a connection behind a commit: the commit has taken
// place and its confirmation is lost.
func LoseConfirmation(networks ...*netfault.Proxy) Fault {
	return resetOn("network reset behind a commit", networks, netfault.FromServer, "COMMIT\x00")
}

// LoseBatch resets a connection before a commit: the batch never arrives. It
// knows a batch by the nonce in the texts of the load.
func LoseBatch(networks ...*netfault.Proxy) Fault {
	return resetOn("network reset before a commit", networks, netfault.FromClient, "[dm:")
}

func network(name string, networks []*netfault.Proxy, spoil func(*netfault.Proxy)) Fault {
	return Fault{name, func(context.Context) (Mend, error) {
		for _, p := range networks {
			spoil(p)
		}
		return heal(networks), nil
	}}
}

// resetOn is broken once one of the networks has met the pattern.
func resetOn(name string, networks []*netfault.Proxy, d netfault.Direction, pattern string) Fault {
	return Fault{name, func(ctx context.Context) (Mend, error) {
		for _, p := range networks {
			p.ResetOn(d, pattern, 1)
		}
		mend := heal(networks)
		met := func(p *netfault.Proxy) bool { return p.Armed() == 0 }
		if err := await(ctx, func() bool { return slices.ContainsFunc(networks, met) }); err != nil {
			return nil, fmt.Errorf("it has not come about: %w", err)
		}
		return mend, mend(ctx) // or the others would meet it, too
	}}
}

func heal(networks []*netfault.Proxy) Mend {
	return func(context.Context) error {
		for _, p := range networks {
			p.Heal()
		}
		return nil
	}
}
