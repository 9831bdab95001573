package nemesis

import (
	"context"

	"dummymessenger/internal/lab/pgcluster"
)

// KillLeader kills all of the node that leads. It is broken when another one leads.
func KillLeader(p *pgcluster.Patroni) Fault {
	return depose("kill -9 of the node that leads", p, (*pgcluster.Node).Kill, p.StartNode)
}

// FreezeLeader stops all of the node that leads where it stands, until another one
// leads. Thawed, it takes itself for the leader for a moment.
func FreezeLeader(p *pgcluster.Patroni) Fault {
	return depose("SIGSTOP of the node that leads", p, (*pgcluster.Node).Freeze, (*pgcluster.Node).Thaw)
}

func depose(name string, p *pgcluster.Patroni, end, begin func(*pgcluster.Node) error) Fault {
	return Fault{name, func(ctx context.Context) (Mend, error) {
		leader, err := p.Leader()
		if err != nil {
			return nil, err
		}
		if err := end(leader); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			if err := begin(leader); err != nil {
				return err
			}
			return p.WaitLeader(ctx, nil)
		}, p.WaitLeader(ctx, leader)
	}}
}

// SwitchOver hands the lead over in order.
func SwitchOver(p *pgcluster.Patroni) Fault {
	return Fault{"switchover", func(ctx context.Context) (Mend, error) {
		return func(ctx context.Context) error { return p.WaitLeader(ctx, nil) }, p.Switchover(ctx)
	}}
}

// LoseEtcd ends etcd until the leader has given up its lead.
func LoseEtcd(p *pgcluster.Patroni) Fault {
	return Fault{"etcd away", func(ctx context.Context) (Mend, error) {
		p.KillEtcd()
		return func(ctx context.Context) error {
			if err := p.StartEtcd(); err != nil {
				return err
			}
			return p.WaitLeader(ctx, nil)
		}, p.WaitNoLeader(ctx)
	}}
}
