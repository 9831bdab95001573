package verify

import "slices"

// An Identity is who answered, as a server that says so calls itself
// (messenger.ReplicaHeader).
type Identity struct {
	Instance string `json:"instance"`
	Log      string `json:"log,omitzero"`
}

// Identities are who answered at each replica's URL. Behind a load balancer
// that may be several.
type Identities [][]Identity

// MaxIdentities is how many are remembered of one URL.
const MaxIdentities = 100

// Add remembers that id answered at replica.
func (all *Identities) Add(replica int, id Identity) {
	for len(*all) <= replica {
		*all = append(*all, nil)
	}
	if at := &(*all)[replica]; len(*at) < MaxIdentities && !slices.Contains(*at, id) {
		*at = append(*at, id)
	}
}

// only returns the instance that alone answered at a URL, or "".
func only(at []Identity) string {
	if len(at) == 0 || slices.ContainsFunc(at, func(id Identity) bool { return id.Instance != at[0].Instance }) {
		return ""
	}
	return at[0].Instance
}

// OneServer says which URLs led to one and the same instance only, so that
// they are not the replicas that they are listed as.
func (all Identities) OneServer(urls []string) (same []Sentence) {
	first := map[string]int{}
	for i, at := range all[:min(len(all), len(urls))] {
		instance := only(at)
		if j, ok := first[instance]; ok {
			same = append(same, say("%s and %s lead to one server: they are one replica, not two", urls[j], urls[i]))
		} else if instance != "" {
			first[instance] = i
		}
	}
	return same
}

// SeveralLogs says which URLs led to servers of different logs, which are no
// replicas of one another.
func (all Identities) SeveralLogs(urls []string) (apart []Sentence) {
	log, at := "", 0
	for i, ids := range all[:min(len(all), len(urls))] {
		for _, id := range ids {
			switch {
			case id.Log == "" || id.Log == log:
				continue
			case log == "":
				log, at = id.Log, i
				continue
			case i == at:
				apart = append(apart, say("%s leads to servers that write different logs: they are no replicas of one another", urls[i]))
			default:
				apart = append(apart, say("%s and %s write different logs: they are no replicas of one another", urls[at], urls[i]))
			}
			break // once for each URL
		}
	}
	return apart
}
