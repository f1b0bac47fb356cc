package caller

import (
	"net/url"

	"github.com/stackhook/stackhook/shared/seal"
)

// scalePurpose is what scaling addresses are signed for.
const scalePurpose = "scale"

// ScaleAddress is what an alarm calls to scale one cluster in one direction: scale-cluster's address below publicURL,
// with a signature that is good for this alone.
func ScaleAddress(box *seal.Box, publicURL, cluster, direction string) string {
	return publicURL + "/scale-cluster/" + url.PathEscape(cluster) + "/" + direction +
		"?sig=" + url.QueryEscape(box.Sign(scalePurpose, cluster+"/"+direction))
}

// ScaleSigned says whether sig is that of the ScaleAddress of this cluster and direction.
func ScaleSigned(box *seal.Box, cluster, direction, sig string) bool {
	return box.Verify(scalePurpose, cluster+"/"+direction, sig)
}
